"""Jinja filters and globals of the template: pure, except that they read Git's user settings and look up paths."""

import json
import keyword
import re
import shlex
import subprocess
import sys
import tomllib
import unicodedata
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Environment
from jinja2.ext import Extension

CATALOGUE = Path(__file__).with_name("catalogue.toml")
REQUIREMENTS = Path(__file__).parents[1] / "template" / "{{ level_0 }}" / "pyproject.toml.jinja"
MAX_SLUG = 50  # a namespace has at most 63 characters, `-production` included
# https://HOST/OWNER/NAME, git@HOST:OWNER/NAME or ssh://git@HOST/OWNER/NAME
REPOSITORY = re.compile(
    r"(?:https://(?P<web>[A-Za-z0-9.-]+(?::[0-9]+)?)/|ssh://git@(?P<ssh>[A-Za-z0-9.-]+)(?::[0-9]+)?/|git@(?P<scp>[A-Za-z0-9.-]+):)"
    r"(?P<path>[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*)"
)
AUTHOR = re.compile(r"(?P<name>[^<>]+?)\s*(?:<(?P<email>[^<>@\s]+@[^<>@\s]+)>)?")
# Container registries of Git hosts that have a different host name.
IMAGE_REGISTRIES = {"github.com": "ghcr.io", "gitlab.com": "registry.gitlab.com"}
# Forms of a Git URL that Copier accepts and uv does not.
GIT_SHORTHANDS = {
    r"^gh:/?": "https://github.com/",
    r"^gl:/?": "https://gitlab.com/",
    r"^([\w.-]+@[\w.-]+):/?(?=[^/])": r"ssh://\1/",
}
SOFT_KEYWORDS = {*keyword.softkwlist, "type"}  # the same for each Python version that renders the template

# Import names of the dependencies of a generated project: a package of that name would shadow them.
DEPENDENCIES = frozenset(
    "airflow boto3 botocore chaoslib copier cryptography databricks dp_accounting duckdb dvc evidently fastapi "
    "feast filelock flwr google great_expectations httpx jinja2 joblib jsonschema jupytext kfp kfp_server_api "
    "kserve kubeflow_trainer_api mabwiser markdown_it markupsafe matplotlib mlflow mmh3 model_signing notebook "
    "notebooks numpy onnx onnxmltools onnxruntime opentelemetry optuna orjson packaging pandas poethepoet prek "
    "prometheus_client psutil pyarrow pydantic pydantic_core pydantic_settings pytest ray redis regopy requests "
    "ruamel ruff scipy skl2onnx sklearn skops skrub sqlalchemy src starlette test tests trestle urllib3 uvicorn "
    "wandb xgboost yaml".split()
)


def slug(text: str) -> str:
    """Return `text` as lower-case ASCII words joined by hyphens: a distribution and registered-model name."""
    ascii_text = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")


def short_name(text: str) -> str:
    """Return `text` as a slug that is no longer than Kubernetes allows and names no package that the project installs."""
    name = slug(text)
    if len(name) > MAX_SLUG:
        name = name[: MAX_SLUG + 1].rpartition("-")[0] or name[:MAX_SLUG]
    return f"{name}-ml" if name in _requirements() else name


def short_name_problem(name: str) -> str:
    """Return in one line why a slug is not a valid `short_name`; empty if it is valid."""
    if len(name) > MAX_SLUG:
        return (
            f"use at most {MAX_SLUG} characters, since Kubernetes' namespaces begin with it: '{name}' has {len(name)}."
        )
    if name in _requirements():
        return f"add -ml or choose another: '{name}' is a package that the project installs."
    return ""


@cache
def _requirements() -> set[str]:
    """Return the names of the packages that projects of any level and option install."""
    return set(re.findall(r'^    "([a-z0-9-]+)(?=[\[<>=;"])', REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE))


def package_name(text: str) -> str:
    """Return `text` as an importable package name that shadows no other module."""
    name = slug(text).replace("-", "_")
    if not name or name[0].isdigit():
        name = f"ml_{name}".rstrip("_")
    return f"{name}_ml" if package_name_problem(name) else name


def package_name_problem(name: str) -> str:
    """Return in one line why `name` is no valid package name; empty if it is valid."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        return f"use a-z, 0-9, _; start with a-z: '{name}' is not an importable name."
    if keyword.iskeyword(name) or name in SOFT_KEYWORDS:
        return f"add _ml or choose another: '{name}' is a Python keyword."
    if name in sys.stdlib_module_names:
        return f"add _ml or choose another: '{name}' would hide Python's own module of that name."
    if name in DEPENDENCIES:
        return f"add _ml or choose another: '{name}' would hide a package that the project imports."
    return ""


def author_name(author: str) -> str:
    """Return the name of `Name <e-mail>`."""
    return _parse_author(author)["name"]


def author_email(author: str) -> str:
    """Return the e-mail address of `Name <e-mail>`, or an empty string."""
    return _parse_author(author)["email"] or ""


def author_problem(author: str) -> str:
    """Return in one line why `author` is not valid; empty if it is."""
    if AUTHOR.fullmatch(author.strip()):
        return ""
    return f"write Ada Lovelace <ada@example.com>: '{author}' is not of this form."


def _parse_author(author: str) -> re.Match[str]:
    match = AUTHOR.fullmatch(author.strip())
    if match is None:
        raise ValueError(author_problem(author))
    return match


def is_repository(url: str) -> bool:
    """Return whether `url` is the address of a Git repository, by HTTPS or SSH."""
    return bool(REPOSITORY.fullmatch(url))


def web_address(repository_url: str) -> str:
    """Return the address of a repository's page, also if Git reaches it by SSH."""
    found = REPOSITORY.fullmatch(repository_url)
    if found is None or found["web"]:
        return repository_url
    return f"https://{found['ssh'] or found['scp']}/{found['path'].removesuffix('.git')}"


def image_name(repository_url: str) -> str:
    """Return the name of a repository's container image, in the registry of its Git host."""
    host, _, path = web_address(repository_url).lower().removeprefix("https://").removesuffix(".git").partition("/")
    return f"{IMAGE_REGISTRIES.get(host, host)}/{path}"


def quoted(text: str) -> str:
    """Return `text` as a double-quoted string that means the same in JSON, TOML, YAML and Python."""
    return json.dumps(text, ensure_ascii=False)


def shell_quoted(word: PurePath | str) -> str:
    """Return `word` as one word of a shell command."""
    return shlex.quote(str(word))


def git_setting(name: str) -> str:
    """Return one of the user's Git settings, such as `user.name`; empty if it is not set or Git is not installed."""
    try:
        found = subprocess.run(
            ["git", "config", "--get", name], capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    except OSError:
        return ""
    return found.stdout.strip()


def git_author() -> str:
    """Return Git's user as `Name <e-mail>`, or the part of it that is set."""
    name = re.sub(r"[<>]", "", git_setting("user.name")).strip()
    email = git_setting("user.email")
    author = f"{name} <{email}>" if name and email else name
    return author if author and not author_problem(author) else ""


def in_git(folder: PurePath) -> bool:
    """Return whether `folder` is in a Git repository."""
    return _root(Path(folder).resolve()) is not None


def path_in_repository(folder: PurePath) -> str:
    """Return the path of `folder` from the root of its Git repository; empty if it is the root, or in none."""
    path = Path(folder).resolve()
    root = _root(path)
    return path.relative_to(root).as_posix() if root and root != path else ""


def _root(path: Path) -> Path | None:
    return next((parent for parent in (path, *path.parents) if (parent / ".git").exists()), None)


def from_anywhere(source: str) -> str:
    """Return an address of the template that is valid in any folder: the absolute path of a folder, or the URL as it is."""
    return str(Path(source).resolve()) if Path(source).is_dir() else source


def tool_source(source: str) -> str:
    """Return what `uvx --from` installs `copier-mlops` from: the template, as a folder or a Git URL."""
    folder = Path(from_anywhere(source)).expanduser()
    if folder.is_dir():
        return str(folder) if (folder / "pyproject.toml").exists() else f"git+{folder.as_uri()}"  # a bare repository
    url = source.removeprefix("git+")
    for pattern, replacement in GIT_SHORTHANDS.items():
        url = re.sub(pattern, replacement, url)
    return f"git+{url}"


def catalogue() -> dict[str, Any]:
    """Return the levels and their capabilities, from which questions, README, docs and `poe level` are written."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


class Mlops(Extension):
    """Make the functions above available to Copier's questions and to the template."""

    def __init__(self, environment: Environment) -> None:
        """Register filters and globals in `environment`."""
        super().__init__(environment)
        # Copier compiles the parts of each path for each file: without a cache, half of the time of rendering.
        environment.compile = cache(environment.compile)  # pyrefly: ignore[bad-assignment]: it has overloads
        for function in (
            slug,
            short_name,
            short_name_problem,
            package_name,
            package_name_problem,
            author_name,
            author_email,
            author_problem,
            image_name,
            is_repository,
            web_address,
            quoted,
            in_git,
            path_in_repository,
            from_anywhere,
            shell_quoted,
            tool_source,
        ):
            environment.filters[function.__name__] = function
        names: dict[str, Any] = {
            "git_setting": git_setting,
            "git_author": git_author,
            "levels": catalogue()["levels"],
        }
        environment.globals.update(names)
