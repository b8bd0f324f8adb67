"""Print what MLflow has of the model that is named on the command line."""

import json
import sys

import mlflow

mlflow.set_tracking_uri("sqlite:///mlflow.db")
client = mlflow.MlflowClient()
(model,) = sys.argv[1:]


def run_facts(run) -> dict:
    inputs = run.inputs.dataset_inputs
    return {
        "id": run.info.run_id,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": run.data.tags,
        "datasets": {each.tags[0].value: each.dataset.digest for each in inputs},
        "files": sorted(walk(run.info.run_id)),
    }


def walk(run_id: str, folder: str | None = None) -> list[str]:
    found = []
    for each in client.list_artifacts(run_id, folder):
        found += walk(run_id, each.path) if each.is_dir else [each.path]
    return found


experiments = {
    experiment.name: [run_facts(run) for run in client.search_runs([experiment.experiment_id])]
    for experiment in client.search_experiments()
}
versions = {
    str(version.version): {"run_id": version.run_id, "tags": version.tags}
    for version in client.search_model_versions(f"name='{model}'")
}
aliases = client.get_registered_model(model).aliases if versions else {}
holders = {alias: str(aliases[alias]) if alias in aliases else None for alias in ("challenger", "champion")}
print(json.dumps({"experiments": experiments, "versions": versions, **holders}))
