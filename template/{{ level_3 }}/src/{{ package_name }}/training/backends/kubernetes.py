# Managed by copier-mlops: an update merges with your edits.
"""A TrainJob of Kubeflow Trainer, which kubectl creates in its cluster and namespace."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

from . import Request, require_pushed

PACKAGE = "kubeflow-trainer-api"


def check(operation: str, content: dict[str, Any]) -> None:
    """Raise for wrong values, as the type of a TrainJob does, and for a field that there is not, which it drops silently."""
    from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob  # pyrefly: ignore

    known = {*places(TrainerV1alpha1TrainJob.from_dict(content).to_dict())}
    for place in places(content):
        if place not in known:
            raise ValueError(f"{place}: there is no such field")


def places(value: Any, above: str = "") -> Iterator[str]:
    """Yield the place of each value in nested mappings and lists."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield f"{above}{key}"
        yield from places(each, f"{above}{key}.")


def send(request: Request) -> str:
    """Create it."""
    require_pushed()
    command = ["kubectl", "create", "--filename", "-", "--output", "name"]
    return subprocess.run(command, input=json.dumps(request["create"]), text=True, stdout=-1, check=True).stdout.strip()
