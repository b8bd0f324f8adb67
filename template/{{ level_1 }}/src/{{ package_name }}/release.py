# Managed by copier-mlops: an update merges with your edits.
"""Ties the code, the data and the model of a release together, and tells from any of them what the others were."""

import argparse
import re
import subprocess
from pathlib import Path

import yaml
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from .config import load
from .errors import UserError, reported
from .lineage import dvc_hash, git
from .registry import find
from .tracking import CHALLENGER, CONFIGURATION, Tracking, connected

DVC_LOCK = "dvc.lock"


def release(client: MlflowClient, found: ModelVersion, number: str) -> str:
    """Tag the commit that holds code, data and model of a version, tag the version with that tag, and return it.

    Doing it once more is fine.

    Args:
        client: of the registry.
        found: the version.
        number: `X.Y.Z`.

    Raises:
        UserError: what is committed is not what the version was made from, or the tag is of another version.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", number):
        raise UserError(f"{number} is no version number: write three numbers, as in 1.0.0")
    tag, title = f"v{number}-model-training", f"{found.name} {found.version}"
    if uncommitted := git("status", "--porcelain"):
        raise UserError(f"commit these first, so that the tag holds them:\n{uncommitted}")
    if found.tags.get("model_md5") not in _hashes("HEAD"):
        raise UserError(
            f"{DVC_LOCK} of this commit is not of {title}: check out the commit that holds its pipeline, "
            "or commit what `poe pipeline` left"
        )
    if not (released := git("tag", "--list", tag, "--format=%(subject)")):
        message = f"{title}\n\nrun: {found.run_id}\ndata: {found.tags['data_md5']}\nmodel: {found.tags['model_md5']}"
        try:
            subprocess.run(["git", "tag", "--annotate", tag, "--message", message], check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            raise UserError(f"Git made no tag: {error.stderr.decode().strip()}") from error
    elif released != title:
        raise UserError(f"{tag} is {released} already: take the next number")
    client.set_model_version_tag(found.name, found.version, "release", tag)
    return tag


def made_at(versions: list[ModelVersion], revision: str) -> list[ModelVersion]:
    """Return the versions whose code or pipeline is at a Git revision.

    Raises:
        UserError: there is no such revision.
    """
    commit = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if not commit:
        raise UserError(f"Git knows no {revision}")
    hashes = _hashes(commit)
    return [one for one in versions if one.tags.get("git_commit") == commit or one.tags.get("model_md5") in hashes]


def made_of(versions: list[ModelVersion], data: str) -> list[ModelVersion]:
    """Return the versions that were made of raw data: a file, or the start of its DVC hash."""
    prefix = dvc_hash(Path(data)) if Path(data).is_file() else data
    return [one for one in versions if one.tags.get("data_md5", "").startswith(prefix)]


def describe(found: ModelVersion) -> str:
    """Return what made a version, and how to get all of it back.

    Raises:
        UserError: the version was not registered by `poe register`.
    """
    tags = found.tags
    if found.run_id is None or "model_md5" not in tags:
        raise UserError(f"{found.name} {found.version} was not registered by `poe register`: nobody knows what made it")
    names = [*(found.aliases or []), *([tags["release"]] if "release" in tags else [])]
    metrics, *_ = (found.description or "").split("\n")
    changed = "" if tags.get("git_clean") == "True" else ", with changes that were not committed"
    commit = tags.get("release") or tags.get("git_commit")
    lines = {
        "code": tags.get("git_commit", "not in Git") + changed,
        "data": f"DVC {tags['data_md5']}",
        "model": f"DVC {tags['model_md5']}, trained by {tags.get('author', 'nobody we know of')}",
        "run": f"{found.run_id}: {metrics}",
        "again": f"git checkout {commit} && dvc pull" if commit else "there is no commit to check out",
    }
    return "\n".join([f"{found.name} {found.version}  {', '.join(names)}", *(f"  {k:6}{v}" for k, v in lines.items())])


def _hashes(revision: str) -> set[str]:
    """Return the hashes of all that the pipeline made, as committed at a revision."""
    lock = yaml.safe_load(git("show", f"{revision}:./{DVC_LOCK}")) or {"stages": {}}
    return {out["md5"] for stage in lock["stages"].values() for out in stage.get("outs", [])}


def main() -> None:
    """Tag a release, or tell what made a version."""
    parser = argparse.ArgumentParser(prog="release", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    tagging = commands.add_parser("release", help="tag code, data and model of a version")
    tagging.add_argument("number", metavar="X.Y.Z")
    tagging.add_argument(
        "--version", default=CHALLENGER, help="version or alias in the registry; the challenger if none"
    )
    asking = commands.add_parser("lineage", help="tell what made a version")
    of = asking.add_mutually_exclusive_group(required=True)
    of.add_argument("--version", help="version or alias in the registry")
    of.add_argument("--commit", help="a Git revision or tag")
    of.add_argument("--data", metavar="FILE_OR_HASH", help="raw data")
    arguments = parser.parse_args()
    with reported(arguments.command), connected():
        client, model = MlflowClient(), load(CONFIGURATION, Tracking).model
        if arguments.command == "release":
            print(
                f"{release(client, find(client, model, arguments.version), arguments.number)}: push it with `git push --tags`"
            )
            return
        if arguments.version:
            found = [find(client, model, arguments.version)]
        else:
            versions = list(client.search_model_versions(f"name='{model}'"))
            found = made_at(versions, arguments.commit) if arguments.commit else made_of(versions, arguments.data)
        if not found:
            raise UserError(f"no version of {model} was made from that")
        print("\n".join(describe(find(client, model, str(one.version))) for one in found))


if __name__ == "__main__":
    main()
