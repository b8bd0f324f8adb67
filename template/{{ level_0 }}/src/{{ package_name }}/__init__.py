# Managed by copier-mlops: an update merges with your edits.
"""The model, the pipeline that trains it, and what they share."""

import getpass
import os

FOLDER = "."  # of the model's parameters, data and reports; another package that extends this one names its own

# Let OpenMP threads sleep, not spin, at barriers: on a busy machine spinning makes training and prediction 10 times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# A container may run under a user number without a name, for which MLflow, DVC and `getpass` fail.
try:
    getpass.getuser()
except (ImportError, KeyError, OSError):
    os.environ["USER"] = f"uid-{os.getuid()}"

# A proxy cannot reach the servers of this machine. Without a proxy the variables stay unset: they would hide those of the system.
if any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ):
    exceptions = [os.environ[name] for name in ("no_proxy", "NO_PROXY") if os.environ.get(name)]
    if "*" not in exceptions:
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join([*exceptions, "localhost", "127.0.0.1"])
