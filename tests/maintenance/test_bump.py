"""`make bump` rewrites each pin in all files alike."""

import os
import re
import runpy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.template import ROOT, git

OLD = "1" * 40
WORKFLOW = f"steps:\n  - uses: octo/build@{OLD} # v1.2.0\n"
COMPOSE = "image: postgres:17.5-bookworm\nimage: ghcr.io/octo/tool:v0.13.9\nimage: model-server\n"
DOCKERFILE = "FROM ghcr.io/octo/tool:v0.13.9-slim AS tool\nFROM docker.io/library/python:3.12-slim AS python\n"
HOOKS = "additional_dependencies: &tools [find-secrets==1.5.0, other-hooks==6.0.0]\n"
ACTIONS = f'["octo/build"]\ntag = "v1.2.0"\ncommit = "{OLD}"\ninputs = ["path"]\n'
FILES = {
    "template/workflow.yml": WORKFLOW,
    "template/compose.yaml": COMPOSE,
    "template/Dockerfile.jinja": DOCKERFILE,
    "template/hooks.yaml": HOOKS,
    "tests/actions.toml": ACTIONS,
    "hooks.yaml": HOOKS,
    "CHANGELOG.md": "- Hooks: find-secrets==1.5.0.\n",
}
ORAS = """\
#!/bin/sh
case "$1 $2 $3" in
  "repo tags docker.io/library/postgres") echo 17.5-bookworm 17.6-bookworm 17.10-bookworm 17.11-alpine 18.1-bookworm 17.12.1-bookworm ;;
  "repo tags ghcr.io/octo/tool") echo v0.13.9 v0.13.9-slim v0.14.0 v0.14.0-slim v0.15.0 v0.16.0-rc1 ;;
  *) echo "denied: $*" >&2; exit 1 ;;
esac
"""
UV = """\
#!/bin/sh
case "$(cat)" in
  "find-secrets<2") echo find-secrets==1.6.0 ;;
  "find-secrets") echo find-secrets==2.0.0 ;;
  *) echo other-hooks==6.0.0 ;;
esac
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a small repository with pins."""
    folder = tmp_path / "copier-mlops"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "maintenance").mkdir()
    shutil.copy(ROOT / "maintenance" / "bump.py", folder / "maintenance")
    git("init", "--quiet", folder=folder)
    git("add", "--all", folder=folder)
    return folder


@pytest.fixture
def commits(tmp_path: Path) -> dict[str, str]:
    """Make a repository that stands in for that of an action, and return the commits of its tags."""
    folder = tmp_path / "github" / "octo" / "build"
    folder.mkdir(parents=True)
    git("init", "--quiet", folder=folder)
    found = {}
    for tag in ("v1", "v1.2.0", "v1.10.0", "v1.11.0-rc1", "v2.0.0"):
        git("commit", "--quiet", "--allow-empty", "--message", tag, folder=folder)
        git("tag", "--annotate", "--message", tag, tag, folder=folder)
        found[tag] = git("rev-parse", "HEAD", folder=folder).strip()
    return found


@pytest.fixture
def bump(
    repository: Path, tmp_path: Path, run_script: Callable[..., subprocess.CompletedProcess[str]]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"oras": ORAS, "uv": UV}.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    variables = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path / 'github'}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
    return lambda *arguments: run_script(repository, "bump.py", *arguments, **variables)


def texts(repository: Path) -> dict[str, str]:
    return {name: (repository / name).read_text(encoding="utf-8") for name in FILES}


def test_newer_versions_are_written_to_all_files_alike_and_major_ones_are_listed(repository, commits, bump):
    done = bump()
    assert done.returncode == 0, done.stderr
    hooks = HOOKS.replace("1.5.0", "1.6.0")
    assert texts(repository) == {
        "template/workflow.yml": f"steps:\n  - uses: octo/build@{commits['v1.10.0']} # v1.10.0\n",
        "template/compose.yaml": COMPOSE.replace("17.5", "17.10").replace("0.13.9", "0.14.0"),
        "template/Dockerfile.jinja": DOCKERFILE.replace("0.13.9", "0.14.0"),
        "template/hooks.yaml": hooks,
        "tests/actions.toml": ACTIONS.replace("v1.2.0", "v1.10.0").replace(OLD, commits["v1.10.0"]),
        "hooks.yaml": hooks,
        "CHANGELOG.md": FILES["CHANGELOG.md"],
    }
    assert "octo/build 1.2.0 -> 1.10.0\nocto/build 1.2.0: 2.0.0 is a new major version" in done.stdout
    assert "other-hooks" not in done.stdout
    assert " -> " not in bump().stdout


def test_major_versions_are_written_on_request(repository, commits, bump):
    bump("--major")
    assert "postgres:18.1-bookworm" in texts(repository)["template/compose.yaml"]
    assert f"{commits['v2.0.0']} # v2.0.0" in texts(repository)["template/workflow.yml"]
    assert "find-secrets==2.0.0" in texts(repository)["hooks.yaml"]


def test_pin_that_cannot_be_looked_up_is_one_line_and_the_others_are_written(repository, bump):
    done = bump()  # without the repository of the action
    assert done.returncode == 1
    assert done.stderr.startswith("make bump: octo/build is not looked up: ")
    assert done.stderr.count("\n") == 1
    assert "postgres:17.10-bookworm" in texts(repository)["template/compose.yaml"]


def test_every_pin_of_the_template_is_found():
    """The script would leave behind a pin that is written in another form than those that it finds."""
    bump = runpy.run_path(str(ROOT / "maintenance" / "bump.py"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in bump["tracked"]("template"))
    images = set(re.findall(r"(?<![{\w./-])([a-z][\w./-]+):v?\d+\.\d+[\w.-]*", text)) - bump["HELD"]
    packages = set(re.findall(r"([\w-]+)==\d+\.[\d.]+", text))
    actions = set(re.findall(r"uses: (\w[\w./-]+)@", text))
    assert images
    assert packages
    assert actions
    assert {name for name, _ in bump["lookups"](text)} == images | packages | actions
