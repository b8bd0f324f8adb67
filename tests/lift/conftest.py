"""Projects in which people have worked."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from lifting import repository
from support import Project


@pytest.fixture
def lived_in(render: Callable[..., Project], tmp_path: Path) -> Callable[..., Project]:
    """Return a committed project of its own at a level, with the given answers and defaults else."""
    numbers = count()

    def lived_in(level: int, **answers: Any) -> Project:
        return repository(render(maturity_level=level, **answers), tmp_path / f"project-{next(numbers)}")

    return lived_in
