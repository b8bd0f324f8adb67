# Managed by copier-mlops: an update merges with your edits.
"""The model, the stages that make it, and what they share."""
