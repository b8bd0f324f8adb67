# Managed by copier-mlops: an update merges with your edits.
"""The machine of the user: runs the pipeline."""

import subprocess
from typing import Any

from . import Request


def check(operation: str, content: dict[str, Any]) -> None:
    """Accept any command."""


def send(request: Request) -> str:
    """Run the command."""
    subprocess.run(request["run"]["command"], check=True)
    return "done"
