# Managed by copier-mlops: an update merges with your edits.
"""Keeps the model in operation: objectives, error budgets, and what follows from them."""
