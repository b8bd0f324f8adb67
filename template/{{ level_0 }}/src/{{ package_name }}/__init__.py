# Managed by copier-mlops: an update merges with your edits.
"""The model, the pipeline that trains it, and what they share."""

import os

FOLDER = "."  # of the model's parameters, data and reports; another package that extends this one names its own

# Let OpenMP threads sleep, not spin, at barriers: on a busy machine spinning makes training and prediction 10 times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Requests to this machine go to it, not to a proxy that HTTP_PROXY names: servers, MLflow and Envoy listen here.
_direct = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
if "*" not in _direct:
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(sorted({*_direct, "localhost", "127.0.0.1"} - {""}))
