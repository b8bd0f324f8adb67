# Managed by copier-mlops: an update merges with your edits.
"""Runs the stages of all `dvc.yaml` that are out of date, as `dvc repro` does, and prints what to commit."""

import argparse
import logging
import shlex
from pathlib import Path

from dvc.dvcfile import LOCK_FILE
from dvc.exceptions import DvcException
from dvc.repo import Repo

from .. import FOLDER
from ..core.errors import UserError, exit_on_user_error
from ..core.lineage import git
from ..core.paths import REPORTS


def reproduce(stages: list[str], force: bool, alone: bool) -> bool:
    """Run stages of the model's `dvc.yaml`, or of all pipelines if none is named, and return whether all succeeded.

    Why one did not is logged as DVC logs it. With `force` what is up to date runs too, and `alone` without the stages before.

    Raises:
        UserError: dvc.lock is damaged, or in conflict.
    """
    logging.getLogger("dvc.repo.scm_context").setLevel(logging.WARNING)  # its advice names dvc.lock alone
    addresses = [stage if FOLDER == "." else f"{FOLDER}/dvc.yaml:{stage}" for stage in stages]
    try:
        with Repo() as repo:
            ran = repo.reproduce(addresses or None, all_pipelines=not stages, force=force, single_item=alone)
    except DvcException as error:
        if (path := Path(getattr(error, "path", ""))).name == LOCK_FILE:
            restore = f"`git checkout HEAD -- {path}` restores it; without it, all stages run again"
            raise UserError(f"{path} cannot be read, as after an interrupted copy or merge: {restore}") from error
        logging.getLogger("dvc").exception("")
        return False
    if not ran:
        print("Data and pipelines are up to date.")
    return True


def results_to_commit() -> list[str]:
    """Return the small results that differ from the last commit: each dvc.lock, and JSON that Git does not ignore.

    Paths are those from the folder of the project, which may be one of a larger repository.
    """
    results = [":(glob)**/dvc.lock", f":(glob)**/{REPORTS.name}/**/*.json"]
    status = git("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", *results)
    folder = git("rev-parse", "--show-prefix")
    return [entry[3:].removeprefix(folder) for entry in status.split("\0") if entry]


def main() -> None:
    """Run all stages that are out of date, or those that are named."""
    parser = argparse.ArgumentParser(prog="poe pipeline", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="default: all")
    parser.add_argument("--force", action="store_true", help="run also what is up to date")
    parser.add_argument("--alone", action="store_true", help="do not run the stages before")
    arguments = parser.parse_args()
    with exit_on_user_error("pipeline"):
        if not reproduce(arguments.stages, arguments.force, arguments.alone):
            raise SystemExit(1)
    if changed := results_to_commit():
        print(f"\nCommit with your code, so that this model can be restored: git add {shlex.join(changed)}")
        print("Then `uv run poe push` stores its data and model for others.")


if __name__ == "__main__":
    main()
