"""Data, features and model: yours to change. These modules may import `core`, and nothing else of this package."""
