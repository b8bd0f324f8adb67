# Managed by copier-mlops: an update merges with your edits.
"""Compares what the server receives and predicts with what the model was made from, and with what came true."""
