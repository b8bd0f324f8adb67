# Managed by copier-mlops: an update merges with your edits.
"""A year of the whole loop in minutes, on months of data that drifts."""
