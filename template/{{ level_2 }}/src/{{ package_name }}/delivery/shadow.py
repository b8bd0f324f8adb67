# Managed by copier-mlops: an update merges with your edits.
"""Shadow traffic: Envoy sends a copy of each request to a second version, whose responses are logged and never returned.

The second version logs to a place of its own, so that its predictions are no part of monitoring. The id that Envoy gives a
request is in both logs.
"""

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event

from ..core.errors import UserError, exit_on_user_error
from ..core.prediction_log import PredictionLog
from ..core.programs import listens
from ..monitoring.live_server import started_server
from ..registry.client import CHALLENGER, CHAMPION, Tracking
from .envoy import Envoy, envoy
from .versions import Version, find_two

PORT, HOURS = 8080, 24.0


def place() -> str:
    """Return where the second version logs its predictions."""
    return f"{PredictionLog.load().place.rstrip('/')}-shadow"


@contextmanager
def shadowed(served: Version, shadow: Version, port: int = 0) -> Iterator[Envoy]:
    """Serve a version, and send a copy of each request to another one.

    Raises:
        UserError: one of them cannot be served.
    """
    models = {"SERVING_MODELS": Tracking.load().model}
    with (
        started_server(SERVING_ALIASES=served.alias, **models) as first,
        started_server(SERVING_ALIASES=shadow.alias, PREDICTION_LOG_PLACE=place(), **models) as second,
        envoy({"served": first.place}, second.place, port) as proxy,
    ):
        first.wait()
        second.wait()
        proxy.set_weights(served=100)
        yield proxy


def start(served: str, shadow: str, port: int) -> None:
    """Serve two versions, by their numbers or aliases, until a signal ends it.

    Raises:
        UserError: the port is in use, or a version cannot be served.
    """
    model, ended = Tracking.load().model, Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    if listens(f"127.0.0.1:{port}"):
        raise UserError(
            f"port {port} is in use: stop what serves there, such as `poe serve`, or name another by --port"
        )
    first, second = find_two(model, served, shadow)
    with shadowed(first, second, port) as proxy:
        print(f"{proxy.address} serves version {first.version}; version {second.version} logs to {place()}", flush=True)
        ended.wait()


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(
        prog="poe shadow", description="Let a second version predict what the first one serves."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("start", help="run both servers and Envoy on this machine until Ctrl-C")
    help = "number or alias; default: %(default)s"
    starting.add_argument("--served", default=CHAMPION, metavar="VERSION", help=help)
    starting.add_argument("--shadow", default=CHALLENGER, metavar="VERSION", help=help)
    starting.add_argument("--port", type=int, default=PORT, help="of Envoy; default: %(default)s")
    reporting = commands.add_parser("report", help="compare the predictions of both: reports/shadow.html")
    reporting.add_argument("--hours", type=float, default=HOURS, help="until now; default: %(default)g")
    arguments = parser.parse_args()
    with exit_on_user_error("shadow"):
        if arguments.command == "start":
            start(arguments.served, arguments.shadow, arguments.port)
            return
        from .shadow_report import PAGE, report

        end = datetime.now(UTC)
        print(f"{report(end - timedelta(hours=arguments.hours), end, place()).line()}, see {PAGE}")


if __name__ == "__main__":
    main()
