# Managed by copier-mlops: an update merges with your edits.
"""Federated learning: sites train on rows that stay with them. Sites run `plan` and `learning` in the environment of `federated/`."""
