"""Print the folder that holds the files of a version: MODEL VERSION."""

import json
import sys

import mlflow

model, version = sys.argv[1:]
mlflow.set_tracking_uri("sqlite:///mlflow.db")
source = mlflow.MlflowClient().get_model_version(model, version).source
print(json.dumps(mlflow.get_logged_model(source.removeprefix("models:/")).artifact_location))
