"""Forget who was and is champion of the model that is named on the command line, and the audit log."""

import sys
from pathlib import Path

import mlflow


def forget(model: str) -> None:
    client = mlflow.MlflowClient("sqlite:///mlflow.db")
    found = client.get_registered_model(model)
    if "champion" in found.aliases:
        client.delete_registered_model_alias(model, "champion")
    for tag in found.tags:
        client.delete_registered_model_tag(model, tag)
    for path in Path().glob("audit.db*"):
        path.unlink()


if __name__ == "__main__":
    forget(sys.argv[1])
    print("{}")
