# Managed by copier-mlops: an update merges with your edits.
"""Reads and writes tables, JSON and the model.

A file is written completely or not at all; one that is missing or damaged raises a `UserError` that names it.
"""

import ast
import glob
import json
import os
import pickle
import secrets
import struct
import time
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UserError
from .paths import MODEL

if TYPE_CHECKING:
    import pandas as pd

LEFT_BEHIND_SECONDS = 3600  # older temporary files are of processes that were killed
DAMAGED = (ValueError, LookupError, EOFError, pickle.UnpicklingError, struct.error)  # raised for JSON, Parquet, joblib


@contextmanager
def atomic_write(path: Path) -> Generator[Path]:
    """Yield a temporary path to write to; it replaces `path` if the block succeeds. Of several writers the last one wins.

    Raises:
        UserError: the file cannot be written, for example because the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
            with suppress(OSError):  # another process has deleted or renamed it
                if time.time() - left.stat().st_mtime > LEFT_BEHIND_SECONDS:
                    left.unlink()
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise UserError(f"{path} cannot be written: {reason}") from error
    finally:
        with suppress(OSError):  # such as a file in place of the folder: the error above says so
            temporary.unlink(missing_ok=True)


def require(path: Path, task: str | None = None) -> Path:
    """Return `path`, or raise a `UserError` that names the task that makes it; by default, the one that trains."""
    if not path.exists():
        task = task or ("pipeline" if Path("dvc.yaml").exists() else "train")
        raise UserError(f"{path} is missing: `uv run poe {task}` makes it")
    return path


@contextmanager
def readable(path: Path) -> Generator[None]:
    """Name the file if the block cannot decode it, for example because a copy of it was interrupted.

    Raises:
        UserError: the file is damaged.
    """
    try:
        yield
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path} is damaged: restore it, or delete it and make it again: {reason}") from error


def read_table(path: Path, columns: list[str] | None = None) -> "pd.DataFrame":
    """Return the table in `path`, or only some of its columns, with the types of `column_types.unify_types`.

    Raises:
        UserError: the file is missing or damaged.
    """
    import pandas as pd

    from .column_types import unify_types

    with readable(require(path)):
        frame = pd.read_parquet(path, columns=columns)
    return unify_types(frame)


def write_table(frame: "pd.DataFrame", path: Path) -> None:
    """Write `frame` to `path` as Parquet, without its index, with the types of `column_types.unify_types`."""
    from .column_types import unify_types

    frame = unify_types(frame)
    with atomic_write(path) as temporary:
        frame.to_parquet(temporary, index=False)


def read_file(path: Path, texts: Mapping[str, bool], times: Collection[str] = ()) -> "pd.DataFrame":
    """Return the rows of a Parquet or CSV file as they are.

    Args:
        path: its suffix is that of the format.
        texts: the columns that are text, since CSV has no types, and whether their values may be missing. Where none may
            be, words such as `NA` and `None` are text; an empty value is missing in any column.
        times: the columns that are times, as ISO 8601 writes them; others stay text, since 05/03 is in March or in May.

    Raises:
        UserError: it cannot be read as such, or has no row.
    """
    import pandas as pd

    try:
        if path.suffix == ".parquet":
            rows = pd.read_parquet(path)
        else:
            optional = {name: "str" for name, missing in texts.items() if missing}
            complete = {name: lambda text: text or None for name, missing in texts.items() if not missing}
            header = pd.read_csv(path, nrows=0).columns
            dates = [name for name in times if name in header]
            options: Any = {"dtype": optional, "converters": complete, "parse_dates": dates, "date_format": "ISO8601"}
            rows = pd.read_csv(path, **options)
    except UnicodeDecodeError as error:
        raise UserError(f"{path} cannot be read: save it as CSV in UTF-8") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {' '.join(str(error).split())[:300]}") from error
    if rows.empty:
        raise UserError(f"{path} has no row")
    if len(rows.columns) == 1 and ";" in str(rows.columns[0]):
        raise UserError(f"{path} cannot be read: save it with commas between the columns and points in numbers")
    return rows


def read_json(path: Path, task: str | None = None) -> Any:
    """Return the JSON value in `path`, which `task` makes.

    Raises:
        UserError: the file is missing or damaged.
    """
    with readable(require(path, task)):
        return json.loads(path.read_text(encoding="utf-8"))


def write_json(value: Any, path: Path) -> None:
    """Write `value` to `path` as JSON; NaN is rejected."""
    write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write `text` to `path` as UTF-8."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def read_docstring(module: Path) -> str:
    """Return the docstring of a module in a file without importing it, which can take seconds."""
    return ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""


def read_model() -> Any:
    """Return the trained model.

    Raises:
        UserError: the file is missing or damaged.
    """
    import joblib

    with readable(require(MODEL)):
        return joblib.load(MODEL)


def write_model(model: Any) -> None:
    """Write the trained model: equal models give equal bytes, so DVC can tell whether it changed."""
    import joblib

    with atomic_write(MODEL) as temporary:
        joblib.dump(model, temporary)
