"""Write the test rows as a client sends them, and what the trained model predicts for them: MODEL PACKAGE FILE."""

import json
import sys
from importlib import import_module
from pathlib import Path

_, package, path = sys.argv[1:]
core = {name: import_module(f"{package}.core.{name}") for name in ("inputs", "io", "paths")}
data = import_module(f"{package}.modeling.data")
inputs, model = core["inputs"].Inputs.read(), core["io"].read_model()
features, _ = data.features_and_target(core["io"].read_table(core["paths"].TEST))
frame = inputs.from_table(features)
predicted = model.predict_proba(frame) if hasattr(model, "predict_proba") else model.predict(frame)
Path(path).write_text(json.dumps({"rows": inputs.to_rows(features), "predicted": predicted.tolist()}))
print("{}")
