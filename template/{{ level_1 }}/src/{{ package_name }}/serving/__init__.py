# Managed by copier-mlops: an update merges with your edits.
"""The model server: Open Inference Protocol v2 for programs, `POST /predict` for people, `/metrics` for Prometheus."""

import os

# Both libraries report to their makers unless told otherwise before they are imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
