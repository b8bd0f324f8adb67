"""Make a version the champion by its alias alone, as a copy of version 1 if there is none, with a tag: MODEL VERSION NAME VALUE."""

import sys

import mlflow

model, version, *tag = sys.argv[1:]
mlflow.set_tracking_uri("sqlite:///mlflow.db")
client = mlflow.MlflowClient()
first = client.get_model_version(model, "1")
tags = {name: value for name, value in first.tags.items() if name != "artifact_digest"}
if version not in {str(found.version) for found in client.search_model_versions(f"name='{model}'")}:
    version = str(client.create_model_version(model, first.source, first.run_id, tags).version)
if tag:
    client.set_model_version_tag(model, version, *tag)
client.set_registered_model_alias(model, "champion", version)
print(version)
