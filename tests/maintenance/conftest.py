"""How the scripts of maintenance/ are run."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def run_script() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a script of a clone of this repository in it."""

    def run_script(repository: Path, name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, repository / "maintenance" / name, *arguments]
        environment = {**os.environ, **variables}
        return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)

    return run_script
