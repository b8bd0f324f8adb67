# Managed by copier-mlops: an update merges with your edits.
"""Signs a version of the registry, or verifies it, or makes a new key: `poe sign`."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow

from ..core.errors import UserError, exit_on_user_error
from ..core.signing import SIGNATURE, Signing
from .audit import note
from .audit_log import locked
from .client import CHALLENGER, Tracking, connected, find
from .verification import signature

LOGGED_MODEL = "models:/"  # start of the source of what `poe register` registered


def main() -> None:
    """Sign the files that a version has now, and record that; or verify them; or make a key."""
    parser = argparse.ArgumentParser(prog="poe sign", description=__doc__)
    parser.add_argument("--version", default=CHALLENGER, help="number or alias; default: the challenger")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="only verify it, as servers do")
    action.add_argument("--new-key", action="store_true", help="make another pair of keys: sign what is in use by it")
    arguments = parser.parse_args()
    with exit_on_user_error("sign"), connected(), TemporaryDirectory() as folder:
        settings = Signing.load()
        if arguments.new_key:
            print(settings.new_key())
            return
        client = mlflow.MlflowClient()
        found = find(client, Tracking.load().model, arguments.version)
        name, source = f"{found.name} {found.version}", str(found.source)
        path = Path(mlflow.artifacts.download_artifacts(f"models:/{found.name}/{found.version}", dst_path=folder))
        if arguments.check:
            print(f"{name} is verified, signed by {signature.verify(found, path) or 'no one: none is required'}")
            return
        if not source.startswith(LOGGED_MODEL):
            raise UserError(f"{name} is from {source}: only what `poe register` registered can be signed here")
        signer = settings.sign(path)
        client.log_model_artifact(source.removeprefix(LOGGED_MODEL), str(path / SIGNATURE))
        client.set_model_version_tag(found.name, str(found.version), "signed_by", signer)
        with locked():
            note(client, "signature", found.name, str(found.version), {"signed_by": signer})
        print(f"{name} is signed by {signer}")


if __name__ == "__main__":
    main()
