# Managed by copier-mlops: an update merges with your edits.
"""A/B tests of two versions on real traffic: plan, start, report, stop."""
