# Managed by copier-mlops: an update merges with your edits.
"""Bandits: requests go to the versions that earn most, and a version that does harm is removed."""
