# Managed by copier-mlops: an update merges with your edits.
"""The files of `teams/`, from which Argo CD makes namespaces, limits and permissions: deploy/platform/."""

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import yaml
from pydantic import AfterValidator, BaseModel, Field, NonNegativeInt, PositiveInt, ValidationError

from ..core.errors import UserError

FOLDER = Path("teams")
RESERVED = re.compile(r"kube-.*|.*-system|default|argocd|monitoring|mlflow|ingress")  # namespaces of the cluster
DEPLOYMENT = Path("deploy/base/deployment.yaml")
UNITS = {"": 1.0, "m": 1e-3, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}


def _text(pattern: str, rule: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(rule)
        return text

    return AfterValidator(check)


LABEL = _text(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "use at most 63 of a-z, 0-9 and inner hyphens")
GROUP = _text(r"[\w.:@/-]+", "use letters, digits and . : @ / - _")
PATH = _text(r"[\w.-]+(/[\w.-]+)*", "name a folder of the repository, such as deploy/overlays/production")
REPOSITORY = _text(
    r"(https://|ssh://git@|git@)[\w.-]+(:\d+)?[:/][\w.~-]+(/[\w.~-]+)*",
    "name one repository, as https://HOST/OWNER/NAME or git@HOST:OWNER/NAME, without a wildcard",
)


class Quota(BaseModel, extra="forbid", strict=True):
    """What all pods of a namespace may take together."""

    cpu_cores: Annotated[int, Field(ge=1, le=10_000)]  # that they request
    memory_gib: Annotated[int, Field(ge=1, le=100_000)]  # that their limits allow
    gpus: NonNegativeInt


class Namespace(BaseModel, extra="forbid", strict=True):
    """A namespace, and the folder of a repository that Argo CD deploys to it."""

    name: Annotated[str, LABEL]
    repository: Annotated[str, REPOSITORY]
    folder: Annotated[str, PATH]
    replicas: PositiveInt  # that the quota must hold
    quota: Quota


class Team(BaseModel, extra="forbid", strict=True):
    """The schema of `teams/*.yaml`."""

    team: Annotated[str, LABEL]
    owners: Annotated[list[Annotated[str, GROUP]], Field(min_length=1)]
    namespaces: Annotated[list[Namespace], Field(min_length=1)]


class File(NamedTuple):
    """A team's file, and what it declares."""

    path: Path
    node: yaml.Node  # with the line of each key
    team: Team


def read_all(added: dict[Path, str] | None = None) -> list[File]:
    """Return the files of all teams and of those to be added, or raise a `UserError` with a line for each error."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yaml"))} | (added or {})
    files, errors, requested = [], [], pod()
    for path, text in texts.items():
        try:
            files.append(read(path, text))
        except UserError as error:
            errors.append(str(error))
    owners = {one.name: file.team.team for file in reversed(files) for one in file.team.namespaces}
    errors += [line for file in files for line in problems(file, owners, requested)]
    if errors:
        raise UserError("\n  ".join(errors))
    return files


def read(path: Path, text: str) -> File:
    """Return the file of a team, or raise a `UserError` with a line for each part that does not fit the schema."""
    try:
        node, content = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    try:
        return File(path, node, Team.model_validate(content))
    except ValidationError as error:
        found = [(one["loc"], one["msg"].removeprefix("Value error, "), str(one["input"])) for one in error.errors()]
        lines = [_line(path, node, location, f"{rule} (found {value!r:.60})") for location, rule, value in found]
        raise UserError("\n  ".join(lines)) from error


def _line(path: Path, node: yaml.Node | None, location: Iterable[str | int], message: str) -> str:
    """Return a message with the file, the key, and its line or that of what lacks it."""
    keys, line = [*location], node.start_mark.line if node else 0
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            marks = {name.value: (name.start_mark.line, value) for name, value in node.value}
            line, node = marks.get(str(key), (line, None))
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
            line = node.start_mark.line
    return f"{path}:{line + 1}: {'.'.join(map(str, keys)) or 'team'}: {message}"


def pod() -> dict[str, float]:
    """Return what a pod of `deploy/base` requests, by key of a quota, or raise a `UserError` if it does not."""
    try:
        spec = yaml.safe_load(DEPLOYMENT.read_text(encoding="utf-8"))["spec"]["template"]["spec"]
        found = [container["resources"] for container in spec["containers"]]
        memory = sum(_quantity(each["limits"]["memory"]) for each in found)
        return {"cpu_cores": sum(_quantity(each["requests"]["cpu"]) for each in found), "memory_gib": memory / 2**30}
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError) as error:
        raise UserError(f"{DEPLOYMENT} must name requests.cpu and limits.memory of each container") from error


def _quantity(value: str | float) -> float:
    return float(str(value).rstrip("mKMGi")) * UNITS[str(value).lstrip("0123456789.")]


def problems(file: File, owners: dict[str, str], requested: dict[str, float]) -> list[str]:
    """Return a line for each rule between files that one breaks.

    Args:
        file: of a team.
        owners: the team that each namespace belongs to.
        requested: what `pod` returns.
    """
    own, line = file.team.team, partial(_line, file.path, file.node)
    lines = [] if file.path.stem == own else [line(["team"], f"must be {file.path.stem}, as the file (found {own!r})")]
    for index, namespace in enumerate(file.team.namespaces):
        at, name = ["namespaces", index], namespace.name
        if RESERVED.fullmatch(name) or owners[name] != own:
            whose = "the cluster" if RESERVED.fullmatch(name) else f"the team {owners[name]}"
            lines.append(line([*at, "name"], f"{name} belongs to {whose}: choose another, such as PROJECT-production"))
        if name in [one.name for one in file.team.namespaces[:index]]:
            lines.append(line([*at, "name"], f"{name} is listed twice"))
        pods = namespace.replicas + 1  # a rolling update starts one before it ends another
        for key, each in requested.items():
            if (quota := getattr(namespace.quota, key)) < pods * each:
                need = f"{quota} is less than {pods * each:g}, which {pods} pods of {each:g} need, one in updates only"
                lines.append(line([*at, "quota", key], need))
    return lines
