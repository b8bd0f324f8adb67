# Managed by copier-mlops: an update merges with your edits.
"""What runs by itself in production."""
"""Keeps the model in operation: objectives, error budgets, and what follows from them."""
