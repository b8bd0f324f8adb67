# Managed by copier-mlops: an update merges with your edits.
"""Reads `params.yaml` and checks it against the schema in `params.py`."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from .errors import UserError
from .params import Params


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Return the parameters in `path`.

    Raises:
        UserError: the file is missing, is not YAML, or a key or value is not of the schema.
    """
    try:
        return Params.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
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
