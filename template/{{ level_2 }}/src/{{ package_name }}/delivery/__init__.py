# Managed by copier-mlops: an update merges with your edits.
"""Delivery of a version to its users, tried on this machine: Envoy, canary and shadow."""
