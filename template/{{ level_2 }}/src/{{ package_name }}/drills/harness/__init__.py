# Managed by copier-mlops: an update merges with your edits.
"""What drills share: a copy of the project, and processes that run in it."""
