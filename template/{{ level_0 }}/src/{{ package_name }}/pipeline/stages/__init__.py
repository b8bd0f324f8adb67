# Managed by copier-mlops: an update merges with your edits.
"""The stages, one module each: a stage reads files, calls functions that do no I/O, and writes files."""
