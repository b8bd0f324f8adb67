# Managed by copier-mlops: an update merges with your edits.
"""Where every file of the project is, and how it is read and written.

Paths are relative to the project's folder. A file appears whole or not at all.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UserError

if TYPE_CHECKING:
    import pandas as pd

RAW = Path("data/raw.parquet")
TRAIN = Path("data/train.parquet")
TEST = Path("data/test.parquet")
MODEL = Path("models/model.joblib")
REPORTS = Path("reports")
METRICS = REPORTS / "metrics.json"
SLICES = REPORTS / "slices.json"
FIGURES = REPORTS / "figures"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to; it takes the place of `path` once the block has ended well.

    Raises:
        UserError: the disk is full, or takes no file there for another reason.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise UserError(f"{path} cannot be written: {reason}") from error
    finally:
        partial.unlink(missing_ok=True)


def existing(path: Path) -> Path:
    """Return `path`, or raise a `UserError` that says how to make it."""
    if not path.exists():
        raise UserError(f"{path} is missing: `uv run poe train` makes it")
    return path


def read_table(path: Path, columns: list[str] | None = None) -> "pd.DataFrame":
    """Return the table in `path`, or only some of its columns."""
    import pandas as pd

    return pd.read_parquet(existing(path), columns=columns)


def write_table(frame: "pd.DataFrame", path: Path) -> None:
    """Write `frame` to `path` as Parquet, without its index."""
    with replacing(path) as partial:
        frame.to_parquet(partial, index=False)


def read_json(path: Path) -> Any:
    """Return the JSON value in `path`."""
    return json.loads(existing(path).read_text(encoding="utf-8"))


def write_json(value: Any, path: Path) -> None:
    """Write `value` to `path` as JSON; NaN is refused."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_model() -> Any:
    """Return the trained model."""
    import joblib

    return joblib.load(existing(MODEL))


def write_model(model: Any) -> None:
    """Write the trained model: equal models give equal bytes, so DVC sees whether it changed."""
    import joblib

    with replacing(MODEL) as partial:
        joblib.dump(model, partial)
