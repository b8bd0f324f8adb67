# Managed by copier-mlops: an update merges with your edits.
"""Bandits over versions of the model: `poe bandit start | learn | report | evaluate | stop | simulate`."""

import argparse
import time
from datetime import UTC, datetime

from ..core.bandit import ALIASES
from ..core.errors import exit_on_user_error
from ..experiments.simulate import send
from ..registry.approval import claimed, on_github
from .lifecycle import last, learn, plan_of, start, stop
from .results import evaluate, report
from .settings import Bandit


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="poe bandit", description="Let the versions that earn most get the requests.")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("start", help="let servers divide requests among the versions of config/bandit.yaml")
    starting.add_argument("--approved-by", metavar="NAME", help="not in a workflow on GitHub, which names the approver")
    learning = commands.add_parser(
        "learn", help="learn from the outcomes that are known, and remove versions that do harm"
    )
    learning.add_argument("--every", type=float, metavar="SECONDS", help="repeat until the bandit is stopped")
    commands.add_parser("report", help="write reports/bandit.html; at any time")
    evaluating = commands.add_parser(
        "evaluate", help="estimate from the log what the plan would earn, before it starts"
    )
    evaluating.add_argument("--days", type=int, default=28, metavar="N", help="of the log (default: 28)")
    commands.add_parser("stop", help="let servers send all requests to the champion").add_argument(
        "--reason", default="by hand"
    )
    simulating = commands.add_parser("simulate", help="send simulated users to a server, and store their outcomes")
    simulating.add_argument("--server", default="http://localhost:8080", metavar="URL", help="default: port 8080 here")
    simulating.add_argument("--users", type=int, default=2000, metavar="N", help="default: 2000")
    simulating.add_argument("--effect", type=float, default=0.0, help="of all versions but the champion on the metric")
    arguments = parser.parse_args()
    with exit_on_user_error("bandit"):
        now = datetime.now(UTC)
        if arguments.command == "start":
            print(start(Bandit.load(), claimed(arguments.approved_by) if arguments.approved_by else on_github(), now))
        elif arguments.command == "stop":
            print(stop(arguments.reason, now))
        elif arguments.command == "simulate":
            metric = plan_of(last()[1]).metric
            print(send(arguments.server, arguments.users, arguments.effect, metric, ALIASES))
        elif arguments.command == "evaluate":
            print(evaluate(now, arguments.days))
        elif arguments.command == "report":
            print(report(now))
        else:
            print(learn(now), flush=True)
            while arguments.every and last()[1].stopped is None:
                time.sleep(arguments.every)
                print(learn(datetime.now(UTC)), flush=True)


if __name__ == "__main__":
    main()
