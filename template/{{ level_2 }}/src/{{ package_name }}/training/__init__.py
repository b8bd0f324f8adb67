# Managed by copier-mlops: an update merges with your edits.
"""Continuous training: why a model is trained again, on which rows, and whether it may replace the champion."""
