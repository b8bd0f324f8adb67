# Managed by copier-mlops: an update merges with your edits.
"""Training beyond one run of the pipeline: why a model is trained again and on which rows, search, other machines."""
