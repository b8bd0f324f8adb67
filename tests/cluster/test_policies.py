"""The policies of level 3 by Open Policy Agent: they are portable, and it decides each case as projects do."""

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.opa import build, evaluate
from harness.template import Project


@pytest.fixture(scope="session")
def opa(go: str) -> Path:
    """Return the program, built if this machine has none yet."""
    return build(go)


@pytest.fixture(scope="session")
def policies(render: Callable[..., Project]) -> Path:
    return render(maturity_level=3).path / "policies"


def changed(evidence: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return evidence with some values replaced, by their paths."""
    found = copy.deepcopy(evidence)
    for path, value in values.items():
        *parents, last = path.split("/")
        place = found
        for parent in parents:
            place = place[parent]
        place[last] = value
    return found


def test_open_policy_agent_decides_each_case_as_a_project_does(opa, policies):
    content = json.loads((policies / "cases.json").read_text())
    required = {name for case in content["cases"] for name in (one.partition(":")[0] for one in case["findings"])}
    for case in content["cases"]:
        decided = evaluate(opa, policies, changed(content["evidence"], case["set"]))
        problems = [":".join(filter(None, (one["requirement"], one["subject"]))) for one in decided["problem"]]
        named = {name.partition(":")[0] for name in problems} | {*decided["proven"]}
        assert sorted([*problems, *(required - named)]) == case["findings"], case["name"]


def test_open_policy_agent_proves_nothing_from_nothing(opa, policies):
    assert evaluate(opa, policies, {})["proven"] == []


def test_policies_are_formatted_and_check_strictly(opa, policies):
    files = sorted(policies.glob("*.rego"))
    for command in (["check", "--strict"], ["fmt", "--list", "--fail"]):
        done = subprocess.run([opa, *command, *files], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
