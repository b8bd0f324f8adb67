"""An update as a pull request: made without any permission, and opened by a job that may write and runs none of it.

The two share a folder: a bundle of Git with one commit, and title, text and state of the pull request.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from copier_mlops.errors import CommandError
from copier_mlops.git import git, plain_git
from copier_mlops.lift import Outcome
from copier_mlops.merging import Merged
from copier_mlops.report import Check, text, title

BRANCH = "template-update"
BY = "copier-mlops"  # the committer
BUNDLE, ABOUT, TEXT = "update.bundle", "pull_request.json", "pull_request.md"
LOCKS = ":(top,glob)**/uv.lock"
# Git gets the token from `gh`, which reads it from GH_TOKEN.
AS_GH = ("-c", "credential.helper=", "-c", "credential.helper=!gh auth git-credential")


def stage(folder: Path, merged: Merged) -> None:
    """Stage an update, so that what checks write to its files is no part of it."""
    listed = "\0".join([*merged.new, *merged.changed, *merged.gone, *merged.conflicts])
    only = ("--force", "--all", "--pathspec-from-file=-", "--pathspec-file-nul")
    git(folder, "--literal-pathspecs", "add", *only, stdin=os.fsencode(listed))


def write(folder: Path, outcome: Outcome, checks: list[Check], proposal: Path) -> None:
    """Commit what is staged on a branch of its own, and write it with the text of its pull request to `proposal`.

    The commit depends on nothing but its content and parent, so the same update is the same commit in each run.
    """
    base = git(folder, "rev-parse", "--abbrev-ref", "HEAD").strip()
    git(folder, "add", "--update", "--", LOCKS)  # `uv sync` wrote them
    subject = title(outcome)
    when = git(folder, "log", "-1", "--format=%cI").strip()
    tree = git(folder, "write-tree").strip()
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    commit = plain_git(folder, "commit-tree", tree, "-p", "HEAD", "-m", subject, **dates).strip()
    git(folder, "update-ref", f"refs/heads/{BRANCH}", commit)
    proposal.mkdir(parents=True, exist_ok=True)
    git(folder, "bundle", "create", "--quiet", str(proposal.absolute() / BUNDLE), BRANCH, "^HEAD")
    body = text(outcome, checks, base, BRANCH)
    (proposal / TEXT).write_text(body, encoding="utf-8")
    about = {"title": subject, "base": base, "draft": bool(outcome.merged.conflicts)}
    (proposal / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"# {subject}\n\n{body}")


def open_pull_request(folder: Path, proposal: Path) -> str:
    """Push a proposed update and open its pull request, or renew the one that is open; return what was done.

    Raises:
        CommandError: there is no such proposal, or GitHub refuses the push or the pull request.
    """
    try:
        about = json.loads((proposal / ABOUT).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CommandError(
            f"{proposal} has no update: `copier-mlops update --propose {proposal}` writes one"
        ) from error
    known = pull_requests(folder)
    pull_request = next((each for each in known if each["state"] == "OPEN"), None)
    if pull_request is None and is_declined(known, about["title"]):
        return f"Nothing to do: {about['title']!r} was closed. Reopen it to take the update."
    git(folder, "fetch", "--quiet", str(proposal.absolute() / BUNDLE), BRANCH)
    update = git(folder, "rev-parse", "FETCH_HEAD").strip()
    tip = git(folder, *AS_GH, "ls-remote", "origin", f"refs/heads/{BRANCH}").partition("\t")[0]
    is_merged = pull_request is None and known and known[0]["state"] == "MERGED"
    if tip and not is_merged and is_edited(folder):
        return f"Nothing to do: {BRANCH} has commits of yours. Merge its pull request, or delete the branch."
    push(folder, update, tip)
    if pull_request is None:
        return create(folder, proposal, about)
    return renew(folder, proposal, about, pull_request)


def pull_requests(folder: Path) -> list[dict[str, Any]]:
    """Return the pull requests of the branch, the newest first, without those of a branch of that name in a fork."""
    fields = "number,title,state,url,isCrossRepository"
    known = json.loads(gh(folder, "pr", "list", "--head", BRANCH, "--state", "all", "--json", fields))
    return [each for each in known if not each["isCrossRepository"]]


def is_declined(known: list[dict[str, Any]], title: str) -> bool:
    """Return whether a pull request for the same versions was closed, with or without conflicts."""
    versions = title.partition(": ")[0]
    return any((each["state"], each["title"].partition(": ")[0]) == ("CLOSED", versions) for each in known)


def is_edited(folder: Path) -> bool:
    """Return whether somebody has committed to the branch of the update."""
    git(folder, *AS_GH, "fetch", "--quiet", "origin", BRANCH)
    return git(folder, "log", "-1", "--format=%cn", "FETCH_HEAD").strip() != BY


def push(folder: Path, update: str, tip: str) -> None:
    """Push the update in place of the one before, whose commit is `tip`.

    Raises:
        CommandError: GitHub refuses it.
    """
    try:
        lease = f"--force-with-lease={BRANCH}:{tip}"
        git(folder, *AS_GH, "push", "--quiet", lease, "origin", f"{update}:refs/heads/{BRANCH}")
    except CommandError as error:
        if "workflow" in str(error) and "refusing to allow" in str(error):
            raise CommandError(
                "GitHub refused the push: the update changes files in .github/workflows/, which the token of a workflow may"
                " not. Set UPDATE_TOKEN as docs/levels/0.md describes, or run `uv run poe update` on your machine"
            ) from error
        raise CommandError(f"the push of {BRANCH} was refused: {' '.join(str(error).split())}") from error


def create(folder: Path, proposal: Path, about: dict[str, Any]) -> str:
    """Open the pull request and return what was done."""
    options = [
        "--head",
        BRANCH,
        "--base",
        about["base"],
        "--title",
        about["title"],
        "--body-file",
        str(proposal / TEXT),
    ]
    if about["draft"]:
        try:
            return f"Opened a draft: {gh(folder, 'pr', 'create', *options, '--draft').strip()}"
        except CommandError as error:
            if "draft" not in str(error).lower():
                raise
            print("This repository has no drafts, so the title alone names the conflicts.")
    return f"Opened {gh(folder, 'pr', 'create', *options).strip()}"


def renew(folder: Path, proposal: Path, about: dict[str, Any], pull_request: dict[str, Any]) -> str:
    """Give the open pull request the title, text and state of a proposal, and return what was done."""
    number = str(pull_request["number"])
    # Not `gh pr edit`: it reads the classic projects, too, for which a fine-grained token has no permission.
    fields = ("-f", f"title={about['title']}", "-F", f"body=@{proposal / TEXT}")
    gh(folder, "api", "--silent", "--method", "PATCH", f"repos/{{owner}}/{{repo}}/pulls/{number}", *fields)
    try:
        gh(folder, "pr", "ready", number, *(["--undo"] if about["draft"] else []))
    except CommandError as error:  # not every plan and token may
        print(f"The state of the pull request is as before: {error}")
    return f"Renewed {pull_request['url']}"


def gh(folder: Path, *arguments: str) -> str:
    """Run GitHub's command line and return its output.

    Raises:
        CommandError: it is not installed, or it fails.
    """
    try:
        done = subprocess.run(
            ["gh", *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise CommandError("`gh`, the command line of GitHub, is not installed") from error
    if done.returncode:
        message = " ".join((done.stderr or done.stdout).split())
        if "not permitted to create" in message:
            message += ": allow it in Settings -> Actions -> General"
        raise CommandError(message)
    return done.stdout
