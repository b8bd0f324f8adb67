# Managed by copier-mlops: an update merges with your edits.
"""What drills share: a copy of the project, processes that run in it, and the page of all evidence."""
