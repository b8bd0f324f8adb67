# Managed by copier-mlops: an update merges with your edits.
"""Writes the pull request comment about the model that was trained last: `poe ci-comment`."""

import argparse

from ..core.errors import exit_on_user_error
from ..core.io import read_json, read_model, read_table
from ..core.paths import METRICS, TEST, TRAIN
from ..registry.client import Tracking
from ..reporting import pull_request
from .describe import describe_run
from .gate import shortfalls
from .params import load_params


def main() -> None:
    """Write `reports/pull_request.md`, and append it to the summary of a job on GitHub."""
    parser = argparse.ArgumentParser(prog="poe ci-comment", description=__doc__)
    parser.add_argument("--base", default="HEAD~1", help="commit to compare with; default: what a merge goes into")
    arguments = parser.parse_args()
    with exit_on_user_error("ci-comment"):
        params = load_params()
        missed = shortfalls(read_json(METRICS), params.gate)
        run = describe_run(Tracking.load(), params, read_model(), read_table(TRAIN), read_table(TEST), missed)
        pull_request.write(run, arguments.base)
    print(f"{pull_request.PAGE} holds the comment")


if __name__ == "__main__":
    main()
