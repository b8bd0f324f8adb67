"""A stand-in for GitHub: a bare repository, and a `gh` that keeps pull requests in a file, as the real one would."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.lifting import commit, edit
from harness.template import Project, git

INSIDE = Path(__file__).with_name("inside") / "gh.py"
REFUSAL = "refusing to allow a GitHub App to create or update workflow `{}` without `workflows` permission"


@dataclass(frozen=True)
class GitHub:
    """A repository on GitHub with its pull requests."""

    folder: Path

    @property
    def remote(self) -> Path:
        """Return the bare repository."""
        return self.folder / "remote.git"

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment in which `gh` is this one."""
        return {"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "GH_FOLDER": str(self.folder)}

    @property
    def pull_requests(self) -> list[dict[str, Any]]:
        """Return the pull requests, the oldest first."""
        path = self.folder / "pull_requests.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []

    @property
    def issues(self) -> list[dict[str, Any]]:
        """Return the issues, the oldest first."""
        return json.loads((self.folder / "issues.json").read_text(encoding="utf-8"))

    @property
    def calls(self) -> list[list[str]]:
        """Return the arguments of each call of `gh`."""
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def end(self, state: str) -> None:
        """Close or merge all pull requests; what is merged is up to the test."""
        self.keep([{**each, "state": state} for each in self.pull_requests])

    def keep(self, pull_requests: list[dict[str, Any]]) -> None:
        """Have these pull requests."""
        (self.folder / "pull_requests.json").write_text(json.dumps(pull_requests), encoding="utf-8")

    def fail(self, command: str, message: str) -> None:
        """Let a command of `gh` fail from now on."""
        (self.folder / "fails.json").write_text(json.dumps({command: message}), encoding="utf-8")

    def refuse(self, path: str) -> None:
        """Refuse pushes that change a file, as GitHub refuses the token of a workflow those of workflows."""
        hook = self.remote / "hooks" / "update"
        hook.write_text(
            f'#!/bin/sh\nif git diff --name-only HEAD "$3" | grep -qx "{path}"; then\n'
            f"  echo '{REFUSAL.format(path)}' >&2\n  exit 1\nfi\n",
            encoding="utf-8",
        )
        hook.chmod(0o755)

    def text(self, branch: str, path: str) -> str:
        """Return a file of a branch."""
        return git("show", f"{branch}:{path}", folder=self.remote)

    def commit(self, branch: str) -> str:
        """Return the commit of a branch."""
        return git("rev-parse", branch, folder=self.remote).strip()


def edit_and_push(project: Project, path: str, old: str, new: str) -> None:
    """Edit, commit and push a file."""
    edit(project, path, old, new)
    commit(project, "Edit")
    git("push", "--quiet", "origin", "HEAD", folder=project.path)


def stand_in(folder: Path) -> GitHub:
    """Return a stand-in for GitHub without a repository."""
    (folder / "bin").mkdir(parents=True)
    gh = folder / "bin" / "gh"
    gh.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{INSIDE}" "$@"\n', encoding="utf-8")
    gh.chmod(0o755)
    return GitHub(folder)


def on_github(project: Project, folder: Path) -> GitHub:
    """Push a committed project to a stand-in for GitHub, which is its `origin` then."""
    github = stand_in(folder)
    git("clone", "--quiet", "--bare", project.path, github.remote, folder=folder)
    git("remote", "add", "origin", github.remote, folder=project.path)
    return github
