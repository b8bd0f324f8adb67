"""Commands of pages, typed into a shell."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.template import clean_environment


@pytest.fixture
def type_in(template: Path) -> Callable[[str, Path], str]:
    """Type commands into a shell, with the working tree for the repository and Enter for each question."""

    def type_in(commands: str, folder: Path) -> str:
        here = re.sub(r"(git\+https://github\.com/|gh:)copier-mlops/copier-mlops", str(template), commands)
        here = re.sub(r" (copy|new) ", r" \1 --defaults ", here)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here],
            cwd=folder,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return type_in
