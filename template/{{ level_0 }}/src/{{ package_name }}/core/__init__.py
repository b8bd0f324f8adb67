# Managed by copier-mlops: an update merges with your edits.
"""Configuration, errors, paths, files and types of columns; imports nothing else of this package."""
