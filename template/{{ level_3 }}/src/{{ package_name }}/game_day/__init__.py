# Managed by copier-mlops: an update merges with your edits.
"""Game day: chaostoolkit experiments on the whole system, live in a copy of the project: servers, alerts, remediation."""
