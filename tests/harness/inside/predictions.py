"""Print the test rows as the server takes them, and what models/model.joblib predicts for them: MODEL PACKAGE."""

import json
import sys
from importlib import import_module

import joblib
import pandas as pd

_, package = sys.argv[1:]
table, _ = import_module(f"{package}.modeling.data").features_and_target(pd.read_parquet("data/test.parquet"))
inputs = import_module(f"{package}.core.inputs").Inputs.read()
features = inputs.from_table(table)
model = joblib.load("models/model.joblib")
predicted = {"prediction": model.predict(features).tolist()}
if hasattr(model, "predict_proba"):
    predicted["probabilities"] = model.predict_proba(features).tolist()
print(json.dumps({"rows": inputs.to_rows(table), **predicted}))
