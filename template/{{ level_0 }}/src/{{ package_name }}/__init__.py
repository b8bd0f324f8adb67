# Managed by copier-mlops: an update merges with your edits.
"""The model, the stages that make it, and what they share."""

import os

# The threads of a model wait for each other asleep: on a busy machine, waiting awake takes ten times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
