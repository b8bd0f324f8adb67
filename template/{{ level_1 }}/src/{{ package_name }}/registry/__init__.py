# Managed by copier-mlops: an update merges with your edits.
"""Runs and model versions in MLflow: tracking, promotion, rollback, release, and the audit log."""

import os

DEFAULTS = {  # of variables that MLflow reads when it is imported
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # of features that `poe ui` does not need
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # fail within seconds if the server is down
}
for name, value in DEFAULTS.items():
    os.environ.setdefault(name, value)
