"""Each locked package has a wheel for the machines that people work on and deploy to, so that none is compiled there."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from harness.projects import named
from harness.template import Project, levels, options_at
from harness.wheels import INTEL_MAC, without_wheel

# Pure Python, of DVC and Kubeflow: built from source on each platform, without a compiler.
PURE = {"antlr4-python3-runtime", "kfp-server-api"}


def with_each_option() -> Iterator[dict[str, Any]]:
    """Yield answers for the highest level until each option that selects packages had each of its values."""
    values = options_at(levels()[-1])
    for number in range(1, len(values["data_remote"])):  # it has the most
        chosen = {name: each[min(number, len(each) - 1)] for name, each in values.items()}
        yield {"maturity_level": levels()[-1], **chosen}


@pytest.mark.parametrize(
    "answers", [*({"maturity_level": level} for level in levels()), *with_each_option()], ids=named
)
def test_each_package_has_a_wheel(render, tmp_path, answers):
    project = Project(shutil.copytree(render(**answers).path, tmp_path / "project"), answers)
    found = {name: missing - PURE for name, missing in without_wheel(project).items()}
    lacking = {name for name, missing in found.items() if missing}
    expected = {INTEL_MAC} if answers["maturity_level"] else set()
    assert lacking == expected, f"{found}: *Platforms* of docs/reference/verified.md lists what people can install"
