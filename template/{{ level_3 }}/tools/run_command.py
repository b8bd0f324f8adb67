# Managed by copier-mlops: an update merges with your edits.
"""Runs its arguments as a command: a task of Databricks starts a Python file, config/jobs/databricks.yaml a shell."""

import subprocess
import sys

if __name__ == "__main__":
    sys.exit(subprocess.call(sys.argv[1:]))
