# Managed by copier-mlops: an update merges with your edits.
"""Teams that share a cluster: their files, what they cost, and requests for new projects."""
