"""Register the champion under a second name, as champion of that: MODEL SECOND VERSION."""

import sys

from mlflow import MlflowClient

model, second, version = sys.argv[1:]
client = MlflowClient("sqlite:///mlflow.db")
client.create_registered_model(second)
made = client.create_model_version(second, client.get_model_version(model, version).source)
client.set_registered_model_alias(second, "champion", made.version)
print("{}")
