"""Jinja filters and globals of the template: pure, but for a look at Git's user settings and at where project and template are."""

import json
import keyword
import re
import shlex
import subprocess
import sys
import tomllib
import unicodedata
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Environment
from jinja2.ext import Extension

CATALOGUE = Path(__file__).with_name("catalogue.toml")
AUTHOR = re.compile(r"(?P<name>[^<>]+?)\s*(?:<(?P<email>[^<>@\s]+@[^<>@\s]+)>)?")
# Git hosts whose container registry has another name than they have.
IMAGE_REGISTRIES = {"github.com": "ghcr.io", "gitlab.com": "registry.gitlab.com"}
SOFT_KEYWORDS = {*keyword.softkwlist, "type"}  # the same for every Python that may render the template

# Import names of what a generated project depends on: a package of that name would hide them.
DEPENDENCIES = frozenset(
    "airflow copier dvc evidently fastapi feast great_expectations jinja2 joblib jupytext kfp kserve "
    "markdown_it matplotlib mlflow notebook notebooks numpy onnx onnxruntime pandas poethepoet prek pyarrow "
    "pydantic pytest ray ruff sklearn skops sqlalchemy src test tests uvicorn wandb xgboost yaml".split()
)


def slug(text: str) -> str:
    """Return `text` as lower-case ASCII words joined by hyphens: a distribution and registered-model name."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")


def package_name(text: str) -> str:
    """Return `text` as an importable package name that hides nothing."""
    name = slug(text).replace("-", "_")
    if not name or name[0].isdigit():
        name = f"ml_{name}".rstrip("_")
    return f"{name}_ml" if package_name_problem(name) else name


def package_name_problem(name: str) -> str:
    """Say in one line what is wrong with `name` as a package name; empty if nothing is."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        return f"'{name}' is not an importable name: use lower-case letters, digits and underscores, and start with a letter."
    if keyword.iskeyword(name) or name in SOFT_KEYWORDS:
        return f"'{name}' is a Python keyword: choose another package name, such as '{name}_ml'."
    if name in sys.stdlib_module_names:
        return f"'{name}' would hide Python's own module of that name: choose another, such as '{name}_ml'."
    if name in DEPENDENCIES:
        return f"'{name}' would hide a package that the project imports: choose another, such as '{name}_ml'."
    return ""


def author_name(author: str) -> str:
    """Return the name of `Name <e-mail>`."""
    return _parse_author(author)["name"]


def author_email(author: str) -> str:
    """Return the e-mail address of `Name <e-mail>`, or an empty string."""
    return _parse_author(author)["email"] or ""


def author_problem(author: str) -> str:
    """Say in one line what is wrong with `author`; empty if nothing is."""
    if AUTHOR.fullmatch(author.strip()):
        return ""
    return f"'{author}' is not of the form: Ada Lovelace <ada@example.com>"


def _parse_author(author: str) -> re.Match[str]:
    match = AUTHOR.fullmatch(author.strip())
    if match is None:
        raise ValueError(author_problem(author))
    return match


def image_name(repository_url: str) -> str:
    """Return the name of a repository's container image, in the registry that its Git host brings."""
    host, _, path = repository_url.lower().removeprefix("https://").removesuffix(".git").partition("/")
    return f"{IMAGE_REGISTRIES.get(host, host)}/{path}"


def quoted(text: str) -> str:
    """Return `text` as a double-quoted string that JSON, TOML, YAML and Python read alike."""
    return json.dumps(text, ensure_ascii=False)


def shell_quoted(path: PurePath) -> str:
    """Return `path` as one word of a shell command."""
    return shlex.quote(str(path))


def git_setting(name: str) -> str:
    """Return one of the user's Git settings, such as `user.name`; empty if there is none, or no Git."""
    try:
        found = subprocess.run(["git", "config", "--get", name], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return found.stdout.strip()


def git_author() -> str:
    """Return Git's user as `Name <e-mail>`, as far as Git knows one."""
    name = re.sub(r"[<>]", "", git_setting("user.name")).strip()
    email = git_setting("user.email")
    author = f"{name} <{email}>" if name and email else name
    return author if author and not author_problem(author) else ""


def in_git(folder: PurePath) -> bool:
    """Tell whether `folder` is in a Git repository."""
    path = Path(folder).resolve()
    return any((parent / ".git").exists() for parent in (path, *path.parents))


def from_anywhere(source: str) -> str:
    """Return the place of the template as it is seen from any folder: the absolute path of a folder, or a URL as it is."""
    return str(Path(source).resolve()) if Path(source).is_dir() else source


def catalogue() -> dict[str, Any]:
    """Return the levels and their capabilities: the one place that questions, README and docs read from."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


class Mlops(Extension):
    """Make the functions above available to Copier's questions and to the template."""

    def __init__(self, environment: Environment) -> None:
        """Register filters and globals in `environment`."""
        super().__init__(environment)
        for function in (
            slug,
            package_name,
            package_name_problem,
            author_name,
            author_email,
            author_problem,
            image_name,
            quoted,
            in_git,
            from_anywhere,
            shell_quoted,
        ):
            environment.filters[function.__name__] = function
        names: dict[str, Any] = {
            "git_setting": git_setting,
            "git_author": git_author,
            "levels": catalogue()["levels"],
            "catalogue_text": CATALOGUE.read_text(encoding="utf-8"),
        }
        environment.globals.update(names)
