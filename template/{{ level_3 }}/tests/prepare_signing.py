# Managed by copier-mlops: an update merges with your edits.
"""Tests register and promote models without a key of the team; those of signatures require them again."""

from pathlib import Path

import pytest

IGNORED_WARNINGS: list[str] = []
OUTSIDE = ("SIGNING_",)


def prepare(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let the project in `folder` serve unsigned models."""
    patch.setenv("SIGNING_REQUIRED", "false")
