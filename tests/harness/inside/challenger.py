"""Print how the registered challenger compares to models/model.joblib on the test rows."""

import importlib
import json
import sys

import joblib
import mlflow
import pandas as pd

mlflow.set_tracking_uri("sqlite:///mlflow.db")
model, package = sys.argv[1:]
uri = f"models:/{model}@challenger"
table, _ = importlib.import_module(f"{package}.modeling.data").features_and_target(pd.read_parquet("data/test.parquet"))
features = importlib.import_module(f"{package}.core.inputs").Inputs.read().from_table(table)

challenger, trained = mlflow.sklearn.load_model(uri), joblib.load("models/model.joblib")
method = "predict_proba" if hasattr(trained, "predict_proba") else "predict"
served = mlflow.pyfunc.load_model(uri)
example = served.input_example
with_gaps = features.assign(**{name: float("nan") for name in features.select_dtypes("number")})
print(
    json.dumps(
        {
            "equal": bool((getattr(challenger, method)(features) == getattr(trained, method)(features)).all()),
            "rows": len(features),
            "inputs": served.metadata.get_input_schema().input_names(),
            "features": list(features),
            "outputs": len(served.metadata.get_output_schema().inputs),
            "predictions_of_example": len(served.predict(example)),
            "predictions_with_gaps": len(served.predict(with_gaps)),
        }
    )
)
