# Managed by copier-mlops: an update merges with your edits.
"""Shows the request for a training job, or for an endpoint that serves, and what it costs; `--submit` sends it."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ..core.cost import TRAINING_RUN, Prices
from ..core.errors import UserError, exit_on_user_error
from ..core.settings import Settings
from .backends import MachinePrices, find, read_plan


class Training(Settings, env_prefix="TRAINING_"):
    """The schema of `config/training.yaml`."""

    backend: str
    name: str


@contextmanager
def in_one_line(problem: str) -> Iterator[None]:
    """Raise whatever the types and clients of a platform raise as a `UserError`."""
    try:
        yield
    except ImportError:
        raise
    except Exception as error:
        raise UserError(f"{problem}: {' '.join(str(error).split())[:300]}") from error


def main() -> None:
    """Show the request on stdout and its cost on stderr, or send it."""
    parser = argparse.ArgumentParser(prog="poe submit", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--backend", metavar="NAME", help="trains: local, kubernetes, sagemaker, vertex, databricks")
    what.add_argument("--endpoint", metavar="NAME", help="serves: sagemaker, vertex, databricks")
    parser.add_argument("--submit", action="store_true", help="send the request")
    arguments = parser.parse_args()
    with exit_on_user_error("submit"):
        settings, prices, now = Training.load(), MachinePrices.load(), datetime.now(UTC)
        backend = arguments.endpoint or arguments.backend or settings.backend
        platform, name = find(backend), f"{settings.name[:40]}-{now:%Y%m%d-%H%M%S}"
        if arguments.endpoint or not hasattr(platform, "job"):
            plan = read_plan("endpoints" if arguments.endpoint else "jobs", backend, name)
        else:
            plan = platform.job(name)
        hour = prices.hour(backend, plan.rent)
        total = hour * (plan.rent.seconds or 0) / 3600
        most = f", at most {total:.4g}" if total else ""
        notes = [f"estimated cost: {hour:.4g} {prices.currency} an hour{most}"]
        notes += [f"warning: {old}" for old in [prices.warning(now.date())] if old]
        try:
            with in_one_line(f"{backend} would reject the request"):
                for operation, content in plan.request.items():
                    platform.check(operation, content)
        except ImportError:
            notes.append(f"not checked by the platform's own types: `uv run --with {platform.PACKAGE} poe submit` does")
        over = Prices.load().exceeded({TRAINING_RUN: total})
        if arguments.submit and over:
            raise UserError(over[0])
        print(*notes, *over, sep="\n", file=sys.stderr)
        if arguments.submit:
            with in_one_line(f"{backend}: nothing was created"):
                print(platform.send(plan.request))
        else:
            print(json.dumps(plan.request, indent=2))


if __name__ == "__main__":
    main()
