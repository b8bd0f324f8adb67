# Managed by copier-mlops: an update merges with your edits.
"""The Flower app of the federation."""
