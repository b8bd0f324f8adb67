"""Where each task of a project is run as its users run it: as a process, by uv and poe."""

from pathlib import Path

from harness.template import ROOT, TEMPLATE

RUN = ROOT / "tests" / "run"
WORKFLOWS = TEMPLATE / "{{ level_1 }}" / ".github" / "workflows"  # played by tests/run/workflows/

# What test_tasks.py runs in a project with a champion and a version before it: arguments, and a part of the output.
TASKS: dict[str, tuple[list[str], str]] = {
    "format": ([], "All checks passed!"),
    "stage": (["ingest"], "didn't change, skipping"),
    "pipeline": ([], "Data and pipelines are up to date."),
    "validate": ([], "didn't change, skipping"),
    "register": ([], "is the challenger"),
    "pull": ([], "data and model of this commit are here"),
    "gate": ([], "the model passed the quality gate"),
    "ci-comment": (["--base", "HEAD"], "reports/pull_request.md"),
    "promote": (["--version", "1", "--approved-by", "Grace"], "customer-churn 1 is the champion"),
    "rollback": ([], "customer-churn 1 is the champion again"),
    "release": (["1.2.0", "--version", "1"], "model-v1.2.0"),
    "lineage": (["--version", "1"], "uv run dvc pull"),
    "versions": ([], "challenger"),
    "predict": (["data/test.parquet", "--version", "1"], "data/test_predictions.parquet: 500 predictions"),
    "push": ([], ".dvc-remote"),
    "audit": (["verify"], "none changed"),
    "card": (["--check"], "no required section is empty"),
    "report": ([], "reports/index.html"),
}
SERVERS = {
    "serve": "/v2/health/live",
    "ui": "/health",
    "exporter": "/metrics",
}  # started by test_tasks.py, and what responds then
ELSEWHERE: dict[str, Path] = {
    "train": RUN / "conftest.py",
    "test": RUN / "start" / "test_first_day.py",
    "lint": RUN / "start" / "test_first_day.py",
    "level": RUN / "start" / "test_level_command.py",
    "maturity": RUN / "start" / "test_level_command.py",
    "update": TEMPLATE / "{{ level_0 }}" / ".github" / "workflows" / "template-update.yml",
    "build": RUN / "image" / "test_image.py",
    "lifecycle": RUN / "options" / "test_bucket_lifecycle.py",
    "alerts": RUN / "monitoring" / "test_alerts.py",
    "search": RUN / "training" / "test_search.py",
    "cost": RUN / "training" / "test_cost.py",
    "sagemaker": RUN / "training" / "test_spot.py",
    "submit": RUN / "submit" / "test_submit.py",
    "kserve-canary": RUN / "delivery" / "test_kserve_canary.py",
    "artifact": RUN / "delivery" / "test_signed_model.py",
    "kubeflow": RUN / "training" / "test_kubeflow.py",
    "remote-stage": RUN / "training" / "test_kubeflow.py",
    "find-features": RUN / "window_features" / "test_window_features.py",
    "features": RUN / "feature_store" / "test_feature_store.py",
    "labels": RUN / "monitoring_loop" / "test_loop.py",
    "monitor": RUN / "monitoring_loop" / "test_loop.py",
    "replay": RUN / "monitoring_loop" / "test_loop.py",
    "new-data": RUN / "retraining" / "test_retraining.py",
    "trace": RUN / "retraining" / "test_retraining.py",
    "retrain": RUN / "retraining" / "test_retraining.py",
    "check-deployment": RUN / "retraining" / "test_retraining.py",
    "drill": RUN / "drills" / "test_drills.py",
    "year": RUN / "drills" / "test_drills.py",
    "canary-check": RUN / "delivery" / "test_canary_check.py",
    "shadow": RUN / "delivery" / "test_shadow.py",
    "experiment": RUN / "experiments" / "test_experiment.py",
    "ci-retrain": TEMPLATE / "{{ level_2 }}" / ".github" / "workflows" / "retrain.yml",
    "remediate": RUN / "remediation" / "test_remediation.py",
    "slo": RUN / "operations" / "test_slo.py",
    "stream": RUN / "operations" / "test_stream.py",
    "bandit": RUN / "bandits" / "test_bandit.py",
    "game-day": RUN / "game_day" / "test_game_day.py",
    "loop": RUN / "game_day" / "test_game_day.py",
    "federate": RUN / "federated" / "test_federated.py",
    "sign": RUN / "compliance" / "test_signing.py",
    "comply": RUN / "compliance" / "test_compliance.py",
    "clouds": RUN / "clouds" / "test_clouds.py",
    "team": RUN / "workflows" / "test_new_project.py",
    "overview": RUN / "workflows" / "test_new_project.py",
    "ci-new-project": TEMPLATE / "{{ level_3 }}" / ".github" / "workflows" / "new-project.yml",
    "ci-publish-project": TEMPLATE / "{{ level_3 }}" / ".github" / "workflows" / "new-project.yml",
    "hooks": WORKFLOWS / "ci.yml",
    "ci-checklist": WORKFLOWS / "pr-checklist.yml",
    "image": WORKFLOWS / "cd.yml",
}
NOT_RUN = {"notebook": "opens a browser; test_notebook.py runs the notebook", "airflow": "needs Airflow"}
