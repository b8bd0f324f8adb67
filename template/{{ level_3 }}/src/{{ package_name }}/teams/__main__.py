# Managed by copier-mlops: an update merges with your edits.
"""Checks, adds and prices the teams of the platform: `poe team check`, `new NAME`, `cost`."""

import argparse
import os
import re
from math import ceil

import yaml

from ..core.cost import Machine, Prices
from ..core.errors import UserError, exit_on_user_error
from ..core.io import write_text
from ..core.prometheus import query
from .files import FOLDER, pod, read_all

MONTH_SECONDS, GIB = 30 * 24 * 3600, 2**30 / 1e9
SERVERS = "sum by (team, currency) (cost_server_second{team!=''})"
COMMENT = "# A team of the platform: `uv run poe team check` checks it, docs/runbooks/new-team.md describes each key.\n"


def check(_: argparse.Namespace) -> list[str]:
    """Return a line for each team."""
    teams = [(file.team.team, [one.name for one in file.team.namespaces]) for file in read_all()]
    return [f"{team}: {', '.join(names)}" for team, names in teams] or [
        f"{FOLDER}/ has no team yet: `poe team new NAME`"
    ]


def new(options: argparse.Namespace) -> list[str]:
    """Write the file of a new team and return what to do next, or write nothing and raise a `UserError`."""
    path, pods = FOLDER / f"{options.name}.yaml", options.replicas + 1
    if path.exists():
        raise UserError(f"{path} exists: edit it, or choose another name")
    quota = {key: getattr(options, key) or ceil(pods * each) for key, each in pod().items()} | {"gpus": 0}
    namespace = {"name": options.namespace or f"{options.name}-production", "repository": options.repository}
    namespace |= {"folder": options.folder, "replicas": options.replicas, "quota": quota}
    content = {"team": options.name, "owners": options.owner or [options.name], "namespaces": [namespace]}
    text = COMMENT + yaml.safe_dump(content, sort_keys=False)
    read_all({path: text})
    write_text(text, path)
    return [f"{path}: commit it; Argo CD makes its namespace within minutes of the merge"]


def cost(options: argparse.Namespace) -> list[str]:
    """Return what each team costs in a month: its quota by `config/cost.yaml`, without GPUs, and its servers by Prometheus."""
    prices, lines = Prices.load(), []
    samples = query(options.prometheus, SERVERS) if options.prometheus else []
    for team in (file.team for file in read_all()):
        quotas = [one.quota for one in team.namespaces]
        machines = [Machine(vcpus=one.cpu_cores, gigabytes=one.memory_gib * GIB) for one in quotas]
        costs = [("quota", sum(map(prices.per_second, machines)), prices.currency)]
        costs += [("servers", value, one["currency"]) for one, value in samples if one["team"] == team.team]
        parts = [f"{what} {MONTH_SECONDS * value:.2f} {currency}" for what, value, currency in costs]
        lines.append(f"{team.team}: {', '.join(parts)} a month")
    return lines


def request(_: argparse.Namespace) -> list[str]:
    """Check what neither GitHub nor the template checks of the workflow *New project*, or raise a `UserError`."""
    team, repository, owner = (os.environ.get(name, "") for name in ("TEAM", "REPOSITORY", "GITHUB_REPOSITORY_OWNER"))
    teams = [file.team.team for file in read_all()]
    if team not in teams:
        raise UserError(f"{FOLDER}/ has no {team!r:.60}; it has {', '.join(teams)}")
    if not re.fullmatch(rf"{re.escape(owner)}/\w[\w.-]{{0,99}}", repository, re.ASCII | re.IGNORECASE):
        raise UserError(f"repository: write {owner or 'OWNER'}/NAME (found {repository!r:.120})")
    return [f"{repository} for the team {team}"]


def main() -> None:
    """Run a subcommand."""
    parser = argparse.ArgumentParser(prog="poe team", description=__doc__)
    commands = parser.add_subparsers(metavar="{check,new,cost}", required=True)
    commands.add_parser("check", help="check all files of teams/").set_defaults(run=check)
    commands.add_parser("request").set_defaults(run=request)
    adding = commands.add_parser("new", help="write the file of a new team")
    adding.set_defaults(run=new)
    adding.add_argument("name")
    adding.add_argument("--repository", required=True, metavar="URL", help="that Argo CD deploys from")
    adding.add_argument("--folder", default="deploy/overlays/production", help="of it (default: %(default)s)")
    adding.add_argument("--owner", action="append", metavar="GROUP", help="a group that owns it (default: NAME)")
    adding.add_argument("--namespace", help="to deploy to (default: NAME-production)")
    adding.add_argument("--replicas", type=int, default=2, help="pods that the quota must hold (default: %(default)s)")
    for part in ("--cpu-cores", "--memory-gib"):
        adding.add_argument(part, type=int, help="of the quota (default: what the replicas need)")
    priced = commands.add_parser("cost", help="show what the quota and the servers of each team cost in a month")
    priced.add_argument("--prometheus", metavar="URL", help="that scrapes the servers of all teams")
    priced.set_defaults(run=cost)
    options = parser.parse_args()
    with exit_on_user_error("team"):
        print("\n".join(options.run(options)))


if __name__ == "__main__":
    main()
