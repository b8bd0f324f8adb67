"""Print the test rows as clients send them, and what the trained model predicts for them: MODEL PACKAGE."""

import json
import sys
from importlib import import_module

_, package = sys.argv[1:]
core = {name: import_module(f"{package}.core.{name}") for name in ("inputs", "io", "paths")}
data = import_module(f"{package}.modeling.data")
inputs, model = core["inputs"].Inputs.read(), core["io"].read_model()
features, _ = data.features_and_target(core["io"].read_table(core["paths"].TEST))
table = inputs.from_table(features)
found = {"rows": inputs.to_rows(features), "prediction": model.predict(table).tolist()}
if hasattr(model, "predict_proba"):
    found["probabilities"] = model.predict_proba(table).tolist()
print(json.dumps(found))
