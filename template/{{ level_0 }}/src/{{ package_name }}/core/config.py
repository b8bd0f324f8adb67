# Managed by copier-mlops: an update merges with your edits.
"""Reads YAML configuration files and validates them against their schemas."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from .errors import UserError

Schema = TypeVar("Schema", bound=BaseModel)


def read_yaml(path: Path) -> Any:
    """Return what the YAML file `path` holds."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: run from the folder that contains it") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error


def read(path: Path) -> dict[str, Any]:
    """Return the keys and values of the YAML file `path`.

    Raises:
        UserError: the file is missing, is not YAML, or holds something else.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold keys and values, not {content!r:.40}")
    return {str(key): value for key, value in content.items()}


def load(path: Path, schema: type[Schema]) -> Schema:
    """Return the YAML file `path` as a `schema`.

    Raises:
        UserError: the file is missing, is not YAML, or a key or value does not fit the schema.
    """
    content = read(path)
    try:
        return schema(**content)
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']} (found {problem['input']!r})"
            for problem in error.errors()
        )
        raise UserError(f"{path}: {'; '.join(problems)}") from error
