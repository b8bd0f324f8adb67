# Managed by copier-mlops: an update merges with your edits.
"""A/B tests of two versions: `poe experiment plan | start | report | stop | simulate`."""

import argparse
import time
from datetime import UTC, datetime

from ..core.errors import exit_on_user_error
from ..registry.approval import claimed, on_github
from . import page
from .lifecycle import describe, start, stop
from .report import report
from .settings import Experiment

SERVER = "http://localhost:8080"


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="poe experiment", description="A/B test of a version against the champion.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("plan", help="print how many entities the plan in config/experiment.yaml needs")
    starting = commands.add_parser("start", help="let servers send a share of the entities to a version")
    starting.add_argument("--version", default="challenger", help="number or alias (default: challenger)")
    starting.add_argument("--approved-by", metavar="NAME", help="not in a workflow on GitHub, whose approval counts")
    reporting = commands.add_parser("report", help="write reports/experiment.html; at any time")
    reporting.add_argument("--act", action="store_true", help="stop the test if a guardrail or the result requires it")
    reporting.add_argument("--every", type=float, metavar="SECONDS", help="repeat until the test is stopped")
    stopping = commands.add_parser("stop", help="let servers send all entities to the champion")
    stopping.add_argument("--reason", default="by hand", help="for the audit log")
    simulating = commands.add_parser("simulate", help="send simulated users to a server, and store their outcomes")
    simulating.add_argument("--server", default=SERVER, metavar="URL", help=f"default: {SERVER}")
    simulating.add_argument("--users", type=int, default=2000, metavar="N", help="default: 2000")
    simulating.add_argument("--effect", type=float, default=0.0, help="of the treatment on the metric (default: 0)")
    arguments = parser.parse_args()
    with exit_on_user_error("experiment"):
        if arguments.command == "plan":
            print(describe(Experiment.load(), datetime.now(UTC)))
        elif arguments.command == "start":
            approval = claimed(arguments.approved_by) if arguments.approved_by else on_github()
            print(start(Experiment.load(), arguments.version, approval, datetime.now(UTC)))
        elif arguments.command == "stop":
            print(stop(arguments.reason))
        elif arguments.command == "simulate":
            from .simulate import simulate

            print(simulate(arguments.server, arguments.users, arguments.effect))
        else:
            while _reported(arguments.act) and arguments.every:
                time.sleep(arguments.every)


def _reported(act: bool) -> bool:
    """Write the report, act on it if wanted, and return whether the test goes on."""
    result = report(datetime.now(UTC))
    if act and result.stopped is None and result.verdict in ("stop", "keep the control"):
        print(stop(result.decision.removeprefix("stop: ")))
        result = report(datetime.now(UTC))
    page.write(result)
    print(f"{result.decision}\n  {page.PAGE} is written", flush=True)
    return result.stopped is None


if __name__ == "__main__":
    main()
