"""Grades the MLOps maturity of any repository by what its files show: offline, and without running its code."""
