# Managed by copier-mlops: an update merges with your edits.
"""Configuration, errors, paths and files; imports nothing else of this package."""
