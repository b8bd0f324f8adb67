# Managed by copier-mlops: an update merges with your edits.
"""Runs of tests stay on this machine."""

from pathlib import Path

import pytest

IGNORED_WARNINGS: list[str] = []
OUTSIDE = ("WANDB_API_KEY",)


def prepare(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Send nothing to Weights & Biases."""
    patch.setenv("WANDB_MODE", "offline")
