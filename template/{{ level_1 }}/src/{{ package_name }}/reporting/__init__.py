# Managed by copier-mlops: an update merges with your edits.
"""The pages of a run: report and model card."""
