"""Playing workflows on this machine by `act`: jobs, conditions and commands are real, each action has a stand-in."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from mlops import image_name

from harness.github import GitHub
from harness.template import Project
from harness.workflows import ACTIONS

RUNNER = "ubuntu-24.04"
DIGEST = f"sha256:{'ab' * 32}"
# What a stand-in does, beyond keeping what it was given in a file.
DOES = {
    "actions/upload-artifact": 'mkdir -p "$PLAYED/artifact" && cp -R "${{ inputs.path }}/." "$PLAYED/artifact"',
    "actions/download-artifact": 'mkdir -p "${{ inputs.path }}" && cp -R "$PLAYED/artifact/." "${{ inputs.path }}"',
    "peter-evans/create-pull-request": 'git diff -- "${{ inputs.add-paths }}" > "$PLAYED/proposed.diff"',
}


@dataclass(frozen=True)
class Played:
    """What came of a workflow: the outcome of each job that ran, what actions were given, and all that was printed."""

    jobs: dict[str, str]
    actions: list[tuple[str, dict[str, str]]]
    folder: Path
    printed: str

    def given(self, action: str) -> list[dict[str, str]]:
        """Return the inputs of each call of an action."""
        return [inputs for name, inputs in self.actions if name == action]


def play(
    project: Project, folder: Path, workflow: str, event: str, *, github: GitHub | None = None, **payload: Any
) -> Played:
    """Play a workflow of a project that is committed, for an event with `payload`, with a stand-in for GitHub or none."""
    folder.mkdir()
    (folder / "event.json").write_text(json.dumps({"repository": {"private": False}, **payload}), encoding="utf-8")
    stand_ins = [
        f"--local-repository={name}@{ACTIONS[name]['commit']}={stand_in(name, project, folder)}" for name in ACTIONS
    ]
    checkout = with_workflows_for_act(project, folder / "checkout")
    if github:
        checkout.run("git", "remote", "set-url", "origin", github.remote)
    done = checkout.run(
        Path(sys.executable).with_name("act"),
        event,
        "--json",
        "--action-offline-mode",
        "--no-cache-server",
        f"--action-cache-path={folder / 'work'}",
        f"--eventpath={folder / 'event.json'}",
        f"--workflows={workflows(checkout) / workflow}",
        f"--platform={RUNNER}=-self-hosted",
        f"--env=PLAYED={folder}",
        f"--env=UV_PROJECT_ENVIRONMENT={folder.parent / 'environment'}",  # installed by the first job for all
        "--secret=GITHUB_TOKEN=the token of the workflow",
        *stand_ins,
        rc=None,
        **(github.variables if github else {}),
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    jobs = {line["job"].strip(): line["jobResult"] for line in events if "jobResult" in line}
    calls = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("call-*.json"))]
    printed = "".join(line["msg"] for line in events) + done.stderr
    assert (done.returncode == 0) == (set(jobs.values()) <= {"success"}), printed
    return Played(jobs, [(call.pop("action"), call) for call in calls], folder, printed)


def workflows(project: Project) -> Path:
    """Return the folder of a project's workflows."""
    return project.path / ".github" / "workflows"


def with_workflows_for_act(project: Project, folder: Path) -> Project:
    """Return a checkout of a project, in which `$/`, which act does not know yet, is `./`."""
    project.run("git", "clone", "--quiet", project.path, folder)
    checkout = Project(folder, project.answers)
    checkout.run("git", "remote", "set-url", "origin", project.answers["repository_url"])
    for path in workflows(checkout).iterdir():
        path.write_text(path.read_text(encoding="utf-8").replace("uses: $/", "uses: ./"), encoding="utf-8")
    return checkout


def without_tasks(project: Project, *names: str) -> None:
    """Let the steps of some workflows do next to nothing: left is which jobs run, and what actions are given."""
    for name in names:
        path = workflows(project) / name
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line.partition("run: ")[0] + "run: mkdir -p reports" if "run: uv " in line else line for line in lines]
        path.write_text("\n".join(kept) + "\n", encoding="utf-8")


def stand_in(name: str, project: Project, folder: Path) -> Path:
    """Write an action with the inputs and outputs of a real one, and return its folder."""
    tag = f"{image_name(project.answers['repository_url'])}:main"
    values = {"artifact-id": "1", "tags": tag, "labels": "", "json": json.dumps({"tags": [tag]}), "digest": DIGEST}
    values["page_url"] = "https://example.com"
    keep = "import json, os, sys; print(json.dumps({'action': sys.argv[1], **json.loads(os.environ['INPUTS'])}))"
    action = {
        "name": name,
        "description": "stands for an action that is not here",
        "inputs": {each: {} for each in ACTIONS[name].get("inputs", [])},
        "outputs": {each: {"value": values[each]} for each in ACTIONS[name].get("outputs", [])},
        "runs": {
            "using": "composite",
            "steps": [
                {
                    "shell": "bash",
                    "env": {"INPUTS": "${{ toJSON(inputs) }}"},
                    "run": f'{sys.executable} -c "{keep}" {name} > "$PLAYED/call-$(date +%s%N).json"\n{DOES.get(name, "")}',
                }
            ],
        },
    }
    place = folder / "actions" / name
    place.mkdir(parents=True)
    (place / "action.yml").write_text(yaml.safe_dump(action), encoding="utf-8")
    return place


def pull_request(project: Project, fork: bool = False, body: str = "", author: str = "User") -> dict[str, Any]:
    """Return the payload of the event of a pull request."""
    head = "another/fork" if fork else urlsplit(project.answers["repository_url"]).path.removeprefix("/")
    about = {"number": 3, "body": body, "user": {"type": author}, "head": {"repo": {"full_name": head}}}
    return {"action": "opened", "number": 3, "pull_request": about}
