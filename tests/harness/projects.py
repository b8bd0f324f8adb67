"""Running a generated project, and reading its results."""

import hashlib
import json
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import SystemRandom
from typing import Any

import yaml

from harness.template import Project, options

DEFAULT = {"maturity_level": 1, "problem_type": "classification", "framework": "scikit-learn"}
UNUSUAL = {  # names that need quotes, and a repository elsewhere
    "project_name": 'On "call": 2026',
    "project_slug": "2026",
    "package_name": "on_call",
    "repository_url": "https://gitlab.com/Group/sub/On-Call.git",
}
STAGES = ["ingest", "prepare", "train", "register"]  # of DVC
INSIDE = Path(__file__).with_name("inside")
MEASURES = {"classification": ("accuracy", True), "regression": ("rmse", False)}  # name, and whether more is better
BUSINESS_KPI = {"classification": "net_gain_per_customer", "regression": "value_held_by_top"}
NOISE = re.compile(r"warning|traceback|\bERROR\b", re.IGNORECASE)


def models() -> list[dict[str, str]]:
    """Return the answers for every kind of model."""
    names = ("problem_type", "framework")
    return [dict(zip(names, values, strict=True)) for values in product(*(options()[name] for name in names))]


def named(answers: dict[str, Any]) -> str:
    """Return a short name for a test with `answers`."""
    return "-".join(map(str, answers.values()))


def is_better_than_baseline(project: Project) -> bool:
    """Return whether the last trained model beats its baseline."""
    name, more_is_better = MEASURES[project.answers["problem_type"]]
    metrics = project.json("reports/metrics.json")
    found, baseline = metrics[name], metrics[f"baseline_{name}"]
    return found > baseline if more_is_better else found < baseline


def stages_run(printed: str) -> list[str]:
    """Return the stages that DVC ran, by its output."""
    return re.findall(r"^Running stage '(\w+)'", printed, re.MULTILINE)


def bash_blocks(readme: str) -> list[str]:
    """Return what a reader would paste into a shell."""
    return re.findall(r"^```bash\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Return all commands of a page, in blocks and in lines."""
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    typed = [line.strip() for block in blocks for line in block.splitlines()]
    inline = [" ".join(each.split()) for each in re.findall(r"`((?:uv run|git log)[^`]+)`", text)]
    return typed + inline


def change(project: Project, path: str, **values: Any) -> None:
    """Set values in a YAML file of a project; `model__seed=1` sets `seed` in the section `model`."""
    content = yaml.safe_load(project.text(path))
    for name, value in values.items():
        *sections, key = name.split("__")
        section = content
        for each in sections:
            section = section[each]
        section[key] = value
    (project.path / path).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def md5(path: Path) -> str:
    """Return the hash under which DVC stores a file."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Registry:
    """What MLflow has of a project."""

    experiments: dict[str, list[dict[str, Any]]]
    versions: dict[str, dict[str, Any]]
    challenger: str | None
    champion: str | None

    @property
    def newest(self) -> str:
        """Return the newest version of the model."""
        return max(self.versions, key=int)


def registry(project: Project) -> Registry:
    """Return what MLflow has, read in the project's own environment."""
    return Registry(**inside(project, "registry.py"))


def inside(project: Project, script: str, *arguments: str) -> Any:
    """Run a script of harness/inside in the project's environment and return the JSON that it prints last."""
    done = project.fork(script=str(INSIDE / script), arguments=[project.answers["project_slug"], *arguments])
    return json.loads(done.stdout.splitlines()[-1])


def nobody_listens() -> str:
    """Return an address at which no process listens, for a server to start at; its port is none that clients get."""
    while True:
        port = SystemRandom().choice(range(20_000, 32_768))
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return f"http://127.0.0.1:{port}"
