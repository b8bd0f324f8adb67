"""Lays the template over a repository that was there before, and changes nothing of it."""
