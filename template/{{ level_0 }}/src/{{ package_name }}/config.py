# Managed by copier-mlops: an update merges with your edits.
"""Reads configuration files and checks them against their schemas."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from .errors import UserError
from .params import Params

Schema = TypeVar("Schema", bound=BaseModel)


def load_params() -> Params:
    """Return the parameters in `params.yaml`."""
    return load(Path("params.yaml"), Params)


def load(path: Path, schema: type[Schema]) -> Schema:
    """Return the YAML file `path` as a `schema`.

    Raises:
        UserError: the file is missing, is not YAML, or a key or value is not of the schema.
    """
    try:
        return schema.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: run from the folder that holds it") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']} (found {problem['input']!r})"
            for problem in error.errors()
        )
        raise UserError(f"{path}: {'; '.join(problems)}") from error
