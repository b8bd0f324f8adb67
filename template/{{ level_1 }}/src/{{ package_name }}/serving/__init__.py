# Managed by copier-mlops: an update merges with your edits.
"""The model server: Open Inference Protocol v2 and `POST /predict` with rows, `/metrics` for Prometheus, `/docs`."""

import os

# Disable telemetry; has to be set before the import.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
