# Managed by copier-mlops: an update merges with your edits.
"""Lists the versions of the model: `poe versions`."""

import argparse
from datetime import UTC, datetime

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ..core.errors import exit_on_user_error
from .client import Tracking, connected, registered


def lines(client: MlflowClient, model: str) -> list[str]:
    """Return a line for each version, the newest first: number, aliases and release, gate, time, author and metrics."""
    found = registered(client, model)
    names: dict[str, list[str]] = {}
    for alias, version in (found.aliases if found else {}).items():
        names.setdefault(str(version), []).append(alias)
    versions = sorted(client.search_model_versions(f"name='{model}'"), key=lambda one: int(one.version), reverse=True)
    return [_line(one, names.get(str(one.version), [])) for one in versions]


def _line(version: ModelVersion, aliases: list[str]) -> str:
    tags = version.tags
    named = ", ".join([*aliases, *([tags["release"]] if "release" in tags else [])])
    time = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)
    metrics, *_ = (version.description or "").split("\n")
    gate = tags.get("validation_status", "not validated")
    return (
        f"{version.version:>4}  {named:24}  {gate:6}  {time:%Y-%m-%d %H:%M}  {tags.get('author', '')}\n      {metrics}"
    )


def main() -> None:
    """Print all versions."""
    argparse.ArgumentParser(prog="poe versions", description=__doc__).parse_args()
    with exit_on_user_error("versions"), connected():
        model = Tracking.load().model
        print("\n".join(lines(MlflowClient(), model)) or f"no version of {model}: `uv run poe register` makes one")


if __name__ == "__main__":
    main()
