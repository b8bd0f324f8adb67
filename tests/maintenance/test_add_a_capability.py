"""The page about adding a capability leads to one."""

import re
import subprocess
import sys
from pathlib import Path

from harness.template import ROOT, git

PAGE = (ROOT / "docs" / "contributing" / "add-a-capability.md").read_text(encoding="utf-8")
TASKS_OF_LEVEL = Path("template", "{{ level_0 }}", "tasks", "level-0.toml.jinja")
MODULE = Path("template", "{{ level_0 }}", "src", "{{ package_name }}", "pipeline", "about.py")
ABOVE = '[[levels.capabilities]]\nname = "Explore"\n'


def test_what_the_page_adds_is_in_a_project_and_runs(template, tmp_path):
    (module,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    task, entry = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    clone = tmp_path / "copier-mlops"
    git("clone", "--quiet", template, clone, folder=tmp_path)
    (clone / MODULE).write_text(module, encoding="utf-8")
    with (clone / TASKS_OF_LEVEL).open("a", encoding="utf-8") as file:
        file.write(f"\n{task}")
    catalogue = clone / "extensions" / "catalogue.toml"
    text = catalogue.read_text(encoding="utf-8")
    assert text.count(ABOVE) == 1
    catalogue.write_text(text.replace(ABOVE, f"{entry}\n{ABOVE}"), encoding="utf-8")
    git("add", "--all", folder=clone)
    git("commit", "--quiet", "--message", "Add a capability", folder=clone)

    project = tmp_path / "project"
    command = [sys.executable, "-m", "copier", "copy", "--trust", "--defaults", "--quiet", "--vcs-ref=HEAD"]
    subprocess.run([*command, "--data=maturity_level=0", clone, project], check=True)
    for page in ("AGENTS.md", "docs/levels/0.md"):
        assert "| `uv run poe about` | prints the versions that a bug report needs |" in (project / page).read_text()
    ran = [sys.executable, "-m", "customer_churn.pipeline.about"]
    printed = subprocess.run(
        ran, cwd=project, env={"PYTHONPATH": "src"}, check=True, capture_output=True, text=True
    ).stdout
    assert re.match(r"template \S+, level 0\nPython 3", printed)
    style = [sys.executable, "-m", "ruff"]
    for arguments in (["check"], ["format", "--check"]):
        subprocess.run([*style, *arguments, project], check=True)
