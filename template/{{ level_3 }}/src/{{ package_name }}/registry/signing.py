# Managed by copier-mlops: an update merges with your edits.
"""Signs a version of the registry, or verifies it, or makes a new key: `poe sign`."""

import argparse
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ..core.errors import UserError, exit_on_user_error
from ..core.lineage import author
from ..core.signing import SIGNATURE, Signing
from .audit import record
from .audit_log import Event, locked
from .client import CHALLENGER, Tracking, connected, find
from .governance import Governance
from .verification import signature

LOGGED_MODEL = "models:/"  # start of the source of what `poe register` registered
NOT_REQUIRED = f"{Signing.path()} requires no signature"


def sign(client: MlflowClient, version: ModelVersion) -> str:
    """Sign the files that a version has now, log who did, and return a message.

    Raises:
        UserError: it was not registered by `poe register`, or cannot be signed.
    """
    if not (source := str(version.source)).startswith(LOGGED_MODEL):
        raise UserError(f"{version.name} {version.version} is from elsewhere ({source}): sign where it was registered")
    number = str(version.version)
    with tempfile.TemporaryDirectory() as folder, locked():
        path = Path(mlflow.artifacts.download_artifacts(_uri(version), dst_path=folder))
        signer = Signing.load().sign(path)
        client.log_model_artifact(source.removeprefix(LOGGED_MODEL), str(path / SIGNATURE))
        client.set_model_version_tag(version.name, number, "signed_by", signer)
        event = Event(
            event="signature",
            model=version.name,
            version=number,
            environment=Governance.load().environment,
            deployed_by=author(),
            approval_status="none needed",
            compliance_check=version.tags.get("compliance_check", "not checked"),
            details={"signed_by": signer},
        )
        record(client, event)
    return f"{version.name} {number} is signed by {signer}"


def _uri(version: ModelVersion) -> str:
    return f"models:/{version.name}/{version.version}"


def main() -> None:
    """Sign or verify a version, or make a key."""
    parser = argparse.ArgumentParser(prog="poe sign", description=__doc__)
    parser.add_argument("--version", default=CHALLENGER, help="number or alias; default: the challenger")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="only verify it, as servers do")
    action.add_argument("--new-key", action="store_true", help="make another pair of keys; sign what is in use with it")
    arguments = parser.parse_args()
    with exit_on_user_error("sign"):
        if arguments.new_key:
            print(Signing.load().new_key())
            return
        with connected():
            client = MlflowClient()
            found = find(client, Tracking.load().model, arguments.version)
            if not arguments.check:
                print(sign(client, found))
                return
            with tempfile.TemporaryDirectory() as folder:
                signer = signature.verify(
                    found, Path(mlflow.artifacts.download_artifacts(_uri(found), dst_path=folder))
                )
            print(f"{found.name} {found.version} is verified: signed by {signer}" if signer else NOT_REQUIRED)


if __name__ == "__main__":
    main()
