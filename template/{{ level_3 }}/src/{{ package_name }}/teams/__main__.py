# Managed by copier-mlops: an update merges with your edits.
"""Checks, adds and prices the teams of the platform: `poe team check`, `new NAME`, `cost`."""

import argparse
import os
import re
from math import ceil

import yaml

from ..core.errors import UserError, exit_on_user_error
from ..core.io import atomic_write
from . import cost
from .files import FOLDER, pod, read_all

COMMENT = "# A team of the platform: `uv run poe team check` checks it, docs/runbooks/new-team.md describes each key.\n"


def check() -> list[str]:
    """Return a line for each team."""
    lines = []
    for file in read_all():
        quotas = [namespace.quota for namespace in file.team.namespaces]
        cores, memory, gpus = (sum(getattr(one, key) for one in quotas) for key in ("cpu_cores", "memory_gib", "gpus"))
        lines.append(f"{file.team.team}: namespaces {len(quotas)}, cores {cores}, GiB {memory}, GPUs {gpus}")
    return lines or [f"no team yet: `uv run poe team new NAME` writes the first file of {FOLDER}/"]


def new(options: argparse.Namespace) -> list[str]:
    """Write the file of a new team, and return what to do next.

    Raises:
        UserError: there is one, or it would not be valid; nothing is written.
    """
    name, path, pods = options.name, FOLDER / f"{options.name}.yaml", options.replicas + 1
    if path.exists():
        raise UserError(f"{path} exists: edit it, or choose another name")
    quota = {key: getattr(options, key) or max(1, ceil(pods * each)) for key, each in pod().items()}
    namespace = {
        "name": options.namespace or f"team-{name}-prod",
        "repository": options.repository,
        "folder": options.folder,
        "replicas": options.replicas,
        "quota": {**quota, "gpus": options.gpus},
    }
    content = {"team": name, "owners": options.owner or [name], "namespaces": [namespace]}
    text = COMMENT + yaml.safe_dump(content, sort_keys=False)
    read_all({path: text})
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return [f"{path}: commit it; Argo CD makes its namespace within minutes of the merge"]


def request() -> list[str]:
    """Check the inputs of the workflow *New project*, which are in the environment.

    Raises:
        UserError: they are not valid; GitHub and the template check those that are not checked here.
    """
    name, team, repository, owner = (
        os.environ.get(key, "") for key in ("PROJECT_NAME", "TEAM", "REPOSITORY", "GITHUB_REPOSITORY_OWNER")
    )
    teams, lines = [file.team.team for file in read_all()], []
    if not re.fullmatch(r"[\w .,&()+-]{1,60}", name):
        lines.append(f"project_name: use at most 60 letters, digits, spaces and .,&()+- (found {name!r:.80})")
    if team not in teams:
        lines.append(f"team: {FOLDER}/ has no {team!r:.60}; it has {', '.join(teams)}")
    if not re.fullmatch(rf"{re.escape(owner)}/\w[\w.-]{{0,99}}", repository, re.IGNORECASE):
        lines.append(f"repository: write {owner or 'OWNER'}/NAME (found {repository!r:.120})")
    if lines:
        raise UserError("\n  ".join(lines))
    return [f"request for {repository}, of the team {team}"]


def main() -> None:
    """Run a subcommand."""
    parser = argparse.ArgumentParser(prog="poe team", description=__doc__)
    commands = parser.add_subparsers(metavar="{check,new,cost}", required=True)
    commands.add_parser("check", help="check all files of teams/").set_defaults(run=lambda _: check())
    commands.add_parser("request").set_defaults(run=lambda _: request())
    adding = commands.add_parser("new", help="write the file of a new team")
    adding.set_defaults(run=new)
    adding.add_argument("name")
    adding.add_argument("--repository", required=True, metavar="URL", help="that Argo CD deploys from")
    adding.add_argument("--folder", default="deploy/overlays/production", help="of the repository (default: %(default)s)")
    adding.add_argument("--owner", action="append", metavar="GROUP", help="a group that owns it (default: NAME)")
    adding.add_argument("--namespace", help="to deploy to (default: team-NAME-prod)")
    adding.add_argument("--replicas", type=int, default=2, help="pods that the quota must hold (default: %(default)s)")
    adding.add_argument("--cpu-cores", type=int, help="quota (default: what the replicas ask)")
    adding.add_argument("--memory-gib", type=int, help="quota (default: what the replicas ask)")
    adding.add_argument("--gpus", type=int, default=0, help="quota (default: 0)")
    priced = commands.add_parser("cost", help="show what the quota and the servers of each team cost in a month")
    priced.add_argument("--prometheus", metavar="URL", help="that scrapes the servers of all teams")
    priced.set_defaults(run=lambda options: cost.lines(options.prometheus))
    options = parser.parse_args()
    with exit_on_user_error("team"):
        print("\n".join(options.run(options)))


if __name__ == "__main__":
    main()
