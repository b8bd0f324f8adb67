# Managed by copier-mlops: an update merges with your edits.
"""Tags the code, data and model of a release together, and looks up any of them from the others."""

import argparse
import re
import subprocess

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ..core.errors import UserError, exit_on_user_error
from ..core.lineage import code_hash, dvc_hash, git
from ..core.paths import user_path
from .audit import newest_anchor
from .client import CHALLENGER, Tracking, connected, find
from .commits import DVC_LOCK, Commits, commits_of, output_hashes

DVC_HASH = re.compile("[0-9a-f]{4,32}")


def release(client: MlflowClient, found: ModelVersion, number: str) -> str:
    """Tag the commit that holds code, data and model of a version, tag the version with the same tag, and return it.

    The message of the tag holds the newest entry of the audit log, so that `poe audit verify` detects a log that was
    rewritten. Idempotent: repeating a release changes nothing.

    Raises:
        UserError: the commit does not hold what the version was made from, or the tag belongs to another version.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", number):
        raise UserError(f"{number} is not a version number: write three numbers, as in 1.0.0")
    tag, title = f"model-v{number}", f"{found.name} {found.version}"
    if uncommitted := git("status", "--porcelain"):
        raise UserError(f"commit these first, so that the tag includes them:\n{uncommitted}")
    if found.tags.get("model_md5") not in output_hashes("HEAD"):
        raise UserError(
            f"no {DVC_LOCK} of this commit holds {title}: check out the commit with its pipeline, "
            "or commit what `poe pipeline` changed"
        )
    if found.tags.get("code_sha256") != code_hash("HEAD"):
        raise UserError(f"{title} was trained by other code than that of this commit: {commits_of(found).restore}")
    if not (released := git("tag", "--list", tag, "--format=%(subject)")):
        message = (
            f"{title}\n\nrun: {found.run_id}\ndata: {found.tags['data_md5']}\nmodel: {found.tags['model_md5']}\n"
            f"audit: {newest_anchor()}"
        )
        try:
            subprocess.run(["git", "tag", "--annotate", tag, "--message", message], check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            raise UserError(f"Git did not create the tag: {error.stderr.decode().strip()}") from error
    elif released != title:
        raise UserError(f"{tag} is {released} already: use the next number")
    client.set_model_version_tag(found.name, found.version, "release", tag)
    return tag


def versions_at_commit(versions: list[ModelVersion], revision: str) -> list[ModelVersion]:
    """Return the versions whose code or pipeline outputs are at a Git revision.

    Raises:
        UserError: there is no such revision.
    """
    commit = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if not commit:
        raise UserError(f"there is no Git revision {revision}")
    hashes = output_hashes(commit)
    return [one for one in versions if one.tags.get("git_commit") == commit or one.tags.get("model_md5") in hashes]


def versions_from_data(versions: list[ModelVersion], data: str) -> list[ModelVersion]:
    """Return the versions that were trained from raw data: a file, or the start of its DVC hash.

    Raises:
        UserError: it is neither.
    """
    if not (path := user_path(data)).is_file() and not DVC_HASH.fullmatch(data):
        raise UserError(f"there is no file {data}, and it is not the start of a DVC hash")
    prefix = dvc_hash(path) if path.is_file() else data
    return [one for one in versions if one.tags.get("data_md5", "").startswith(prefix)]


def describe(found: ModelVersion) -> str:
    """Return the code, data, model and run of a version, and how to restore them.

    Raises:
        UserError: the version was not registered by `poe register`.
    """
    tags = found.tags
    if found.run_id is None or "model_md5" not in tags:
        raise UserError(f"{found.name} {found.version} was not registered by `poe register`: its lineage is unknown")
    names = [*(found.aliases or []), *([tags["release"]] if "release" in tags else [])]
    metrics, *_ = (found.description or "").split("\n")
    changed = "" if tags.get("git_clean") == "True" else ", with changes that were not committed then"
    tag = tags.get("release")
    commits = Commits(tag, tag) if tag and git("tag", "--list", tag) else commits_of(found)
    lines = {
        "code": tags.get("git_commit", "not in Git") + changed,
        "data": f"DVC {tags['data_md5']}",
        "model": f"DVC {tags['model_md5']}, trained by {tags.get('author', 'an unknown author')}",
        "run": f"{found.run_id}: {metrics}",
        "again": commits.restore,
    }
    return "\n".join([f"{found.name} {found.version}  {', '.join(names)}", *(f"  {k:6}{v}" for k, v in lines.items())])


def main() -> None:
    """Tag a release, or show the lineage of a version."""
    parser = argparse.ArgumentParser(prog="poe", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    tagging = commands.add_parser("release", help="tag code, data and model of a version")
    tagging.add_argument("number", metavar="X.Y.Z")
    tagging.add_argument("--version", default=CHALLENGER, help="number or alias; default: the challenger")
    lineage = commands.add_parser("lineage", help="show what a version was made from")
    of = lineage.add_mutually_exclusive_group(required=True)
    of.add_argument("--version", help="number or alias")
    of.add_argument("--commit", help="a Git revision or tag")
    of.add_argument("--data", metavar="FILE_OR_HASH", help="raw data")
    arguments = parser.parse_args()
    with exit_on_user_error(arguments.command), connected():
        client, model = MlflowClient(), Tracking.load().model
        if arguments.command == "release":
            tag = release(client, find(client, model, arguments.version), arguments.number)
            print(f"{tag}: push it with `git push origin {tag}`, and its data and model with `uv run poe push`")
            return
        if arguments.version:
            found = [find(client, model, arguments.version)]
        else:
            versions = list(client.search_model_versions(f"name='{model}'"))
            look_up = versions_at_commit if arguments.commit else versions_from_data
            found = look_up(versions, arguments.commit or arguments.data)
        if not found:
            raise UserError(f"no version of {model} was made from that")
        print("\n".join(describe(find(client, model, str(one.version))) for one in found))


if __name__ == "__main__":
    main()
