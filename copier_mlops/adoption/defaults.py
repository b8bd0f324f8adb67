"""Default answers for a repository that is adopted, from what it says of itself."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from copier_mlops.errors import CommandError
from copier_mlops.git import git
from copier_mlops.maturity.repository import Repository

# The questions of copier.yml accept these forms only.
REMOTE = re.compile(
    r"(?:https://[A-Za-z0-9.-]+(?::[0-9]+)?/|ssh://git@[A-Za-z0-9.-]+(?::[0-9]+)?/|git@[A-Za-z0-9.-]+:)"
    r"(?P<owner>[A-Za-z0-9._-]+)(?:/[A-Za-z0-9._-]+)+"
)
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
AUTHOR = re.compile(r"[^<>]+(<[^<>@\s]+@[^<>@\s]+>)?")
REGRESSION = re.compile(r"\w+Regressor\b|LinearRegression|mean_(squared|absolute)_error|r2_score|reg:\w+")
CLASSIFICATION = re.compile(
    r"\w+Classifier\b|LogisticRegression|roc_auc|accuracy_score|f1_score|binary:\w+|predict_proba"
)


def defaults_for(repository: Repository) -> dict[str, Any]:
    """Return answers to questions of the template; those about which the repository says nothing are not among them."""
    said = metadata(repository.root)
    remote = REMOTE.fullmatch(origin(repository.root))
    owner = remote["owner"] if remote and OWNER.fullmatch(remote["owner"]) else ""
    name = str(said.get("name") or repository.root.name)
    package = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    answers = {
        "project_name": re.sub(r"[-_.]+", " ", name).strip().capitalize(),
        "project_description": " ".join(str(said.get("description", "")).split()),
        "author": author(said),
        "package_name": f"{package}_ml" if package in taken(repository) else "",
        "owner": owner,
        "repository_url": remote[0] if remote else "",
        "problem_type": problem(repository),
        "framework": "xgboost" if any(one.startswith("xgboost") for one in repository.packages) else "",
        "ci": "github+jenkins" if repository.matching(["Jenkinsfile"]) else "",
    }
    return {question: answer for question, answer in answers.items() if answer}


def metadata(folder: Path) -> dict[str, Any]:
    """Return what `pyproject.toml` says about the project, in the table of the standard or of Poetry."""
    try:
        document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document.get("project") or document.get("tool", {}).get("poetry") or {}


def author(said: dict[str, Any]) -> str:
    """Return the first author."""
    first = next(iter(said.get("authors", [])), "")
    if isinstance(first, dict):
        first = f"{first.get('name', '')} <{first['email']}>" if "email" in first else first.get("name", "")
    return first if AUTHOR.fullmatch(first) else ""


def origin(folder: Path) -> str:
    """Return the address of the remote repository, without a name or token in it; empty if there is none."""
    try:
        address = git(folder, "remote", "get-url", "origin").strip()
    except CommandError:
        return ""
    return re.sub(r"^(https://)[^@/]+@", r"\1", address).removesuffix(".git")


def problem(repository: Repository) -> str:
    """Return what the code predicts, if it shows that."""
    texts = [repository.text(path) for path in repository.code]
    numbers, classes = (sum(len(pattern.findall(text)) for text in texts) for pattern in (REGRESSION, CLASSIFICATION))
    return "regression" if numbers > classes else "classification" if classes else ""


def taken(repository: Repository) -> set[str]:
    """Return the names of modules, packages and folders in which the repository looks for them."""
    first = {path.split("/")[0].removesuffix(".py") for path in repository.files}
    below = {path.split("/")[1].removesuffix(".py") for path in repository.files if re.match(r"(src|lib)/", path)}
    return first | below | sys.stdlib_module_names
