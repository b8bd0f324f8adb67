# Managed by copier-mlops: an update merges with your edits.
"""The model server: Open Inference Protocol v2 for programs, `POST /predict` for people, `/metrics` for Prometheus."""
