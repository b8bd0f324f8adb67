# Managed by copier-mlops: an update merges with your edits.
"""What runs by itself in production."""
