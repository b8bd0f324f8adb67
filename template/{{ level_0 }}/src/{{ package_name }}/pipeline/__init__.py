# Managed by copier-mlops: an update merges with your edits.
"""The training pipeline: one module per stage in `stages`, and what the stages share."""
