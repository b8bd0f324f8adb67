# Managed by copier-mlops: an update merges with your edits.
"""What keeps the model in operation: objectives, error budgets, and what follows from an alert."""
