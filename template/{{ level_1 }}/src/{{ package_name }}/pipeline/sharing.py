# Managed by copier-mlops: an update merges with your edits.
"""Data and models of this commit for others, and theirs for you: `poe push` and `poe pull`."""

import argparse
import os
import subprocess
from pathlib import Path

from dvc.config import Config

from ..core.errors import UserError, exit_on_user_error
from ..core.io import write_text
from ..core.paths import user_path

ENV = Path(".env")
LOCAL_REMOTE = Path(".dvc-remote")  # of the remote `local`
STORES = {"MLFLOW_TRACKING_URI": "mlflow.db", "AUDIT_DATABASE_URL": "audit.db"}  # of a clone, by variable
PAGE = "docs/sharing.md"


def push() -> None:
    """Send data and models that `dvc.lock` names to DVC's remote, and print where they are.

    Raises:
        UserError: DVC cannot send them.
    """
    if _dvc("push"):
        raise UserError(f"nothing was sent to {_remote()}; DVC's message above has the reason")
    print(f"data and model are in {_remote()}")
    if Path(_remote()).is_dir():
        print(f"  That is a folder of this machine. {PAGE} shows how others get them.")


def pull(clone: Path | None) -> None:
    """Get data and models that `dvc.lock` names from DVC's remote, and print where runs and versions are.

    Args:
        clone: folder of another clone on this machine, whose remote, registry and audit log this one uses from now on.

    Raises:
        UserError: `clone` has no remote, or the remote does not have the files.
    """
    if clone:
        use_stores_of(clone.resolve())
    if _dvc("pull"):
        raise UserError(
            f"data and model of this commit are not complete in {_remote()}. Send them with `uv run poe push` in the clone "
            f"that has them, or make them again with `uv run poe pipeline`. Is that clone on this machine? "
            f"`uv run poe pull --from FOLDER`, see {PAGE}"
        )
    print("data and model of this commit are here")
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if uri or clone:
        print(f"  runs and versions: {uri or clone}")
    elif not Path("mlflow.db").exists():
        print(f"  no runs and versions yet: name the registry of your team in {ENV} ({PAGE}), or `uv run poe register`")


def use_stores_of(clone: Path) -> None:
    """Use remote, registry and audit log of another clone on this machine: by `.dvc/config.local` and `.env`.

    Raises:
        UserError: it has no remote.
    """
    if not (clone / LOCAL_REMOTE).is_dir():
        raise UserError(f"{clone / LOCAL_REMOTE} is missing: run `uv run poe push` in {clone}")
    if _dvc("remote", "modify", "--local", "local", "url", str(clone / LOCAL_REMOTE)):
        raise UserError(f"this project does not use {LOCAL_REMOTE}: `uv run poe pull` without --from")
    lines = ENV.read_text(encoding="utf-8").splitlines() if ENV.exists() else []
    kept = [line for line in lines if line.partition("=")[0] not in STORES]
    added = [f"{name}=sqlite:///{(clone / file).as_posix()}" for name, file in STORES.items()]
    write_text("\n".join([*kept, *added]) + "\n", ENV)


def _dvc(*arguments: str) -> int:
    """Run a command of DVC, which prints its progress and errors, and return the exit code."""
    return subprocess.run(["dvc", *arguments], check=False).returncode


def _remote() -> str:
    """Return folder or URL of the default remote."""
    config = Config.from_cwd()
    return config["remote"][config["core"]["remote"]]["url"]


def main() -> None:
    """Push or pull."""
    parser = argparse.ArgumentParser(prog="poe", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("push", help="send data and model of this commit to DVC's remote")
    pulling = commands.add_parser("pull", help="get data and model of this commit from DVC's remote")
    pulling.add_argument(
        "--from", dest="clone", type=user_path, metavar="FOLDER", help="use the stores of another clone on this machine"
    )
    arguments = parser.parse_args()
    with exit_on_user_error(arguments.command):
        if arguments.command == "push":
            push()
        else:
            pull(arguments.clone)


if __name__ == "__main__":
    main()
