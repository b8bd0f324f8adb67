"""The rules of objectives are those of the real Sloth, for which config/slo.yaml is written."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.cluster.binaries import SLOTH, install
from harness.template import Project

NEEDED = ["jinja2", "markdown-it-py", "prometheus-client", "pydantic", "pydantic-settings", "pyyaml"]
RULES = "monitoring/rules/slo.yaml"


@pytest.fixture(scope="session")
def sloth(go: str) -> Path:
    return install(go, SLOTH)


def generated(sloth: Path, project: Project, folder: Path) -> list[dict[str, Any]]:
    """Return the groups of rules that Sloth writes for the files of a project."""
    folder.mkdir()
    shutil.copy(project.path / "config/slo_windows.yaml", folder)
    period = yaml.safe_load(project.text("config/slo_windows.yaml"))["spec"]["sloPeriod"]
    windows = [f"--slo-period-windows-path={folder}", f"--default-slo-period={period}"]
    command = [sloth, "generate", f"--input={project.path}/config/slo.yaml", f"--out={folder}/rules", *windows]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return comparable(yaml.safe_load((folder / "rules").read_text())["groups"])


def comparable(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rules without what may differ: the version of the generator, and empty lines at the end of expressions."""
    for rule in (rule for group in groups for rule in group["rules"]):
        rule["expr"] = rule["expr"].strip()
        if rule.get("record") == "sloth_slo_info":
            del rule["labels"]["sloth_version"]
    return groups


def rules_of(project: Project) -> list[dict[str, Any]]:
    return comparable(yaml.safe_load(project.text(RULES))["spec"]["groups"])


def test_rules_of_a_new_project_are_those_of_sloth(sloth, render, tmp_path):
    project = render(maturity_level=3)
    assert len(rules_of(project)) == 15
    assert rules_of(project) == generated(sloth, project, tmp_path / "windows")


def test_rules_of_other_objectives_and_windows_are_those_of_sloth(sloth, project, tmp_path):
    changed: Project = project(maturity_level=3)
    slos, windows = ({**yaml.safe_load(changed.text(f"config/{name}.yaml"))} for name in ("slo", "slo_windows"))
    slos["labels"] = {"owner": "team-a"}
    first, second, third, *_ = slos["slos"]
    first["objective"] = 99.95
    first["alerting"]["labels"] = {"team": "a"}
    first["sli"]["events"]["total_query"] = "sum(rate(requests_total[{{ .window }}]))\nor vector(1)"
    second["objective"] = 90.001
    second["alerting"]["ticket_alert"] = {"disable": True}
    third["alerting"]["page_alert"] = third["alerting"]["ticket_alert"] = {"disable": True}
    windows["spec"]["sloPeriod"] = "4w"
    windows["spec"]["page"]["quick"] = {"errorBudgetPercent": 1.5, "shortWindow": "2m", "longWindow": "20m"}
    for name, content in (("slo", slos), ("slo_windows", windows)):
        (changed.path / f"config/{name}.yaml").write_text(yaml.safe_dump(content))
    packages = [f"--with={name}" for name in NEEDED]
    module = f"{changed.answers['package_name']}.operations.slo"
    changed.run("uv", "run", "--no-project", *packages, "python", "-m", module, "--write", PYTHONPATH="src")
    assert len(rules_of(changed)) == 14
    assert rules_of(changed) == generated(sloth, changed, tmp_path / "windows")
