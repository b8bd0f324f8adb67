# Managed by copier-mlops: an update merges with your edits.
"""Pushes a version of the registry as a signed OCI artifact, verifies it, and downloads it: `poe artifact`."""

import argparse
import hashlib
import json
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ..core.artifact import MODEL, NAME, TAG, VERSION, Artifact, Artifacts
from ..core.errors import UserError, exit_on_user_error
from ..core.lineage import Lineage
from .client import CHALLENGER, Tracking, connected, find

CARD = "model_card.md"
TYPE = "application/vnd.cncf.model"  # start of the media types of ModelPack
CONFIGURATION = {"", ".json", ".txt", ".yaml"}  # suffixes of the files in MLflow's folder that are not the model itself


def push(client: MlflowClient, found: ModelVersion, key: str | None) -> str:
    """Push a version with its model card, sign it, record its digest in the registry, and return a message.

    A version whose artifact is verified stays as it is. Without the file of a private key, the identity of the CI job signs, or
    the user's, in a browser.

    Raises:
        UserError: a program is missing or failed, or servers would not accept the signature.
    """
    name, version, settings = found.name, str(found.version), Artifacts.load()
    with suppress(UserError):
        (signed := Artifact.of(name, version, found.tags)).verify()
        return f"{name} {version} is signed already: {signed.reference}"
    if bool(key) != bool(settings.key):
        raise UserError(f"`key` in {settings.path()} and --key belong together: servers would refuse the signature")
    with TemporaryDirectory() as folder:
        artifact = Artifact(name, version, _push_files(settings, found, Path(folder)), settings)
        _sign(artifact, key, Path(folder))
    artifact.verify()
    client.set_model_version_tag(name, version, TAG, artifact.digest)
    return f"{name} {version} is signed: {artifact.reference}"


def pull(artifact: Artifact, output: Path) -> str:
    """Verify an artifact, download it to a new folder, and return a message.

    Raises:
        UserError: the folder exists, or the artifact is not verified, or was changed; nothing is left of it then.
    """
    if output.exists():
        raise UserError(f"{output} exists: name another folder")
    with TemporaryDirectory() as folder:
        artifact.pull(Path(folder))
        shutil.copytree(folder, output)
    return f"{output} has {artifact.reference}"


def _push_files(settings: Artifacts, found: ModelVersion, folder: Path) -> str:
    """Push the model and its card, each file as a layer, and return the digest of the artifact."""
    files = folder / "files"
    files.mkdir()
    for uri, name in {
        f"models:/{found.name}/{found.version}": MODEL,
        f"runs:/{found.run_id}/reports/{CARD}": CARD,
    }.items():
        Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder / name))).rename(files / name)
    paths = sorted(path.relative_to(files) for path in files.rglob("*") if path.is_file())
    (folder / "config.json").write_text(json.dumps(_config(found, [files / path for path in paths])), encoding="utf-8")
    pushed = settings.oras(
        *("push", "--format", "json", "--artifact-type", f"{TYPE}.manifest.v1+json"),
        *("--config", f"../config.json:{TYPE}.config.v1+json"),
        *(f"--annotation={key}={value}" for key, value in _annotations(found).items()),
        f"{settings.repository}/{found.name}:{found.version}",
        *(f"{path.as_posix()}:{TYPE}.{_kind(path)}.v1.raw" for path in paths),
        folder=files,
    )
    return str(json.loads(pushed)["digest"])


def _kind(path: Path) -> str:
    """Return which kind of layer a file is."""
    if path.name == CARD:
        return "doc"
    return "weight.config" if path.suffix in CONFIGURATION else "weight"


def _config(found: ModelVersion, layers: list[Path]) -> dict[str, Any]:
    """Return the configuration of the artifact, as ModelPack defines it."""
    descriptor = {
        "createdAt": _created(found),
        "name": found.name,
        "version": str(found.version),
        "revision": found.tags.get("git_commit", ""),
    }
    digests = [f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in layers]
    return {"descriptor": descriptor, "config": {"format": "mlflow"}, "modelfs": {"type": "layers", "diffIds": digests}}


def _annotations(found: ModelVersion) -> dict[str, str]:
    """Return what the version was made from: the signature covers it."""
    lineage = {f"org.mlflow.tag.{name}": found.tags[name] for name in Lineage.model_fields if name in found.tags}
    return {
        "org.opencontainers.image.created": _created(found),
        "org.opencontainers.image.revision": found.tags.get("git_commit", ""),
        NAME: found.name,
        VERSION: str(found.version),
        "org.mlflow.run_id": str(found.run_id),
        **lineage,
    }


def _created(found: ModelVersion) -> str:
    return datetime.fromtimestamp(found.creation_timestamp / 1000, UTC).isoformat()


def _sign(artifact: Artifact, key: str | None, folder: Path) -> None:
    """Sign an artifact. A signature by a key goes into no public log: the model may be private."""
    arguments: list[str] = []
    if key:
        config = str(folder / "signing.json")  # names no log
        artifact.settings.run("cosign", "signing-config", "create", "--out", config)
        arguments = ["--key", key, "--signing-config", config]
    artifact.settings.cosign("sign", "--yes", *arguments, artifact.reference, quiet=False)


def main() -> None:
    """Push, verify or pull the artifact of a version."""
    parser = argparse.ArgumentParser(prog="poe artifact", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    pushing = commands.add_parser("push", help="push a version with its model card, and sign it")
    pushing.add_argument("--key", metavar="FILE", help="private key of cosign; default: the identity of the CI job")
    verifying = commands.add_parser("verify", help="verify that a version is signed as config/artifact.yaml requires")
    pulling = commands.add_parser("pull", help="verify a version and download it")
    pulling.add_argument("--output", metavar="FOLDER", type=Path, required=True, help="a new folder")
    for command in (pushing, verifying, pulling):
        command.add_argument("--version", default=CHALLENGER, help="number or alias; default: the challenger")
    arguments = parser.parse_args()
    with exit_on_user_error("artifact"), connected():
        client = MlflowClient()
        found = find(client, Tracking.load().model, arguments.version)
        if arguments.command == "push":
            print(push(client, found, arguments.key))
            return
        artifact = Artifact.of(found.name, str(found.version), found.tags)
        if arguments.command == "pull":
            print(pull(artifact, arguments.output))
        else:
            artifact.verify()
            print(f"{found.name} {found.version} is verified: {artifact.reference}")


if __name__ == "__main__":
    main()
