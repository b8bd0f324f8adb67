"""Print the runs of searches that MLflow has."""

import json

import mlflow

mlflow.set_tracking_uri("sqlite:///mlflow.db")
client = mlflow.MlflowClient()
(experiment,) = [each for each in client.search_experiments() if each.name.endswith("/tuning")]
runs = client.search_runs([experiment.experiment_id])
print(
    json.dumps(
        [
            {"id": run.info.run_id, "status": run.info.status, "parent": run.data.tags.get("mlflow.parentRunId")}
            for run in runs
        ]
    )
)
