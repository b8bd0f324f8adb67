# Managed by copier-mlops: an update merges with your edits.
"""Compliance as code: collects the evidence about a version, and writes it for auditors: `poe comply`."""
