# Managed by copier-mlops: an update merges with your edits.
"""Training beyond one run of the pipeline: search of parameters, other machines, retraining."""
