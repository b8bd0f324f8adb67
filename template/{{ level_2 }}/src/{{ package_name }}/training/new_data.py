# Managed by copier-mlops: an update merges with your edits.
"""Adds new rows as monthly partitions, if they pass the checks of the pipeline: `poe new-data`.

The folder of all partitions is one dependency of the stage `ingest`, so DVC stays fast and `dvc.lock` short at any number of them.
"""

import argparse
import logging
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from dvc.exceptions import DvcException
from dvc.repo import Repo
from filelock import FileLock

from .. import FOLDER as MODEL_FOLDER
from ..core.column_types import example, kind_of
from ..core.errors import UserError, exit_on_user_error
from ..core.inputs import Inputs
from ..core.io import read_file, read_table, require, write_table, write_text
from ..core.paths import INPUTS, RAW, user_path
from ..core.times import in_utc
from ..modeling.data import ENTITY, KNOWN_LATER, TARGET, TIMESTAMP, VALUE, features_and_target
from ..pipeline.data_checks import checked
from ..pipeline.expectations import check, load_suite
from ..pipeline.sources.partitions import FOLDER
from ..pipeline.stages.validate import EXPECTATIONS

LOCK = Path(".dvc/tmp/new-data.lock")
STAGE, PIPELINE = "ingest", Path(MODEL_FOLDER, "dvc.yaml")
DEPENDENCY = FOLDER.relative_to(MODEL_FOLDER).as_posix()  # as dvc.yaml names it
OF_THE_WHOLE = "expect_table_row_count"  # expectations that a part of the data cannot meet


def so_far() -> pd.DataFrame:
    """Return the data so far, which new rows have to fit; no column before the pipeline has run."""
    return read_table(RAW) if RAW.exists() else pd.DataFrame()


def add(rows: pd.DataFrame, known: pd.DataFrame, now: datetime | None = None) -> dict[str, int]:
    """Add rows to the partitions of their months and return the rows by month; nothing is written if one is bad.

    A row with the entity and time of one that is there replaces it. All rows may be of one class.
    `known` is what `so_far` returns.

    Raises:
        UserError: the rows are not what `data.py` and the expectations promise; one line for each problem.
    """
    rows = accepted(rows, known, now or datetime.now(UTC))
    with_dependency(PIPELINE.read_text(encoding="utf-8"))  # raises before anything is written
    months = {str(month): part for month, part in rows.groupby(rows[TIMESTAMP].dt.strftime("%Y-%m"))}
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(LOCK):  # of two processes that add rows, the second one reads what the first one wrote
        for month, part in months.items():
            path = FOLDER / f"{month}.parquet"
            if path.exists():
                part = pd.concat([read_table(path), part]).drop_duplicates([ENTITY, TIMESTAMP], keep="last")
            write_table(part.sort_values([TIMESTAMP, ENTITY], ignore_index=True), path)
        track()
    return {month: len(part) for month, part in months.items()}


def accepted(rows: pd.DataFrame, known: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """Return rows with unified types.

    Raises:
        UserError: see `add`.
    """
    if rows.empty:
        raise UserError("there is no row")
    missing = [str(name) for name in known if name not in rows]
    unknown = [str(name) for name in rows if name not in known] if len(known.columns) else []
    for names, problem in ((missing, "missing"), (unknown, "unknown")):
        if names:
            raise UserError(
                f"the columns {', '.join(names)} are {problem}: new rows have those that `data.ingest` returns"
            )
    rows = _of_the_types(checked(rows), known)
    if (late := rows[TIMESTAMP].max()) > _like(now, rows[TIMESTAMP]) + pd.Timedelta(1, "D"):
        raise UserError(f"{TIMESTAMP}: {late} is in the future")
    features, _ = features_and_target(rows)
    if INPUTS.exists():
        Inputs.read().from_table(features)
    further = {name for name in KNOWN_LATER if name not in (TARGET, VALUE) and rows[name].isna().all()}
    broken = (one for one in check(rows, load_suite(EXPECTATIONS, rows)) if not one.met and one.subject not in further)
    if failed := [one.line for one in broken if OF_THE_WHOLE not in one.expectation]:
        raise UserError("\n  ".join([f"the new rows break {EXPECTATIONS}, nothing was added", *failed]))
    return rows


def track() -> None:
    """Let DVC version the folder, and make it a dependency of the stage `ingest` if it is not one yet.

    Raises:
        UserError: DVC refuses.
    """
    text = PIPELINE.read_text(encoding="utf-8")
    if (changed := with_dependency(text)) != text:
        write_text(changed, PIPELINE)
        print(f"  {FOLDER} is a dependency of the stage {STAGE} now: commit {PIPELINE}")
    logging.getLogger("dvc.repo.scm_context").setLevel(logging.WARNING)  # its advice: main prints what to commit
    try:
        with Repo() as repo:
            repo.add(str(FOLDER))
    except DvcException as error:
        raise UserError(f"DVC cannot track {FOLDER}: {' '.join(str(error).split())}") from error


def with_dependency(text: str) -> str:
    """Return `dvc.yaml` with the folder among the dependencies of the stage; DVC itself would format the whole file again.

    Raises:
        UserError: the stage has no list of dependencies.
    """
    stage = re.search(rf"^  {STAGE}:\n(?:    .*\n|\n)*", text, re.MULTILINE)
    dependencies = re.search(r"^    deps:( \[|\n      - )", stage[0], re.MULTILINE) if stage else None
    if stage is None or dependencies is None:
        raise UserError(f"add {DEPENDENCY} to `deps` of the stage {STAGE} in {PIPELINE}")
    if DEPENDENCY in stage[0]:
        return text
    place = stage.start() + dependencies.end()
    return f"{text[:place]}{DEPENDENCY}{', ' if '[' in dependencies[0] else chr(10) + '      - '}{text[place:]}"


def from_log(days: int, known: pd.DataFrame, now: datetime | None = None) -> pd.DataFrame:
    """Return the labeled predictions of the last days as rows to learn from: entity, time, features, target and value.

    Raises:
        UserError: there is none yet.
    """
    from ..monitoring.labels import labeled
    from ..monitoring.prediction_log import features

    require(RAW)
    end = now or datetime.now(UTC)
    found = labeled(end - timedelta(days=days), end)
    found = found[found["target"].notna() & found["entity"].notna()]
    if found.empty:
        raise UserError(f"no prediction of the last {days} days has a label: `uv run poe labels` brings them")
    zone, time = known[TIMESTAMP].dt.tz, pd.to_datetime(found["time"], utc=True)
    rows = features(found).assign(
        **{
            ENTITY: found["entity"].astype(known[ENTITY].dtype),
            TIMESTAMP: time.dt.tz_convert(zone) if zone else time.dt.tz_localize(None),
            **dict.fromkeys(KNOWN_LATER),  # what labels do not bring stays missing: no model learns from it
            TARGET: found["target"],
            VALUE: found["value"],
        }
    )
    rows = rows[[name for name in known if name in rows]]  # an earlier version may have had further features
    return rows.drop_duplicates([ENTITY, TIMESTAMP], keep="last").reset_index(drop=True)


def _of_the_types(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return rows with times in the zones that the data has so far, and whole numbers where it has them.

    Raises:
        UserError: a column holds values of another kind.
    """
    converted, problems = {}, []
    for name in (name for name in known if not rows[name].isna().all() and not known[name].isna().all()):
        found, expected = _kind(rows[name]), _kind(known[name])
        if found != expected:
            problems.append(
                f"{name}: expected {expected} as in the data so far, found {found}, such as {example(rows[name])}"
            )
        elif expected == "times with a zone":
            converted[name] = rows[name].dt.tz_convert(known[name].dt.tz)
        elif known[name].dtype == "int64" and (rows[name] % 1 == 0).all():  # an id 12 that was written as 12.0
            converted[name] = rows[name].astype("int64")
    if problems:
        raise UserError("\n  ".join(["the new rows do not fit the data, nothing was added", *problems]))
    return rows.assign(**converted)


def _kind(column: pd.Series) -> str | None:
    kind = "text" if isinstance(column.dtype, pd.CategoricalDtype) else kind_of(column)
    return f"times {'with a' if column.dt.tz else 'without'} zone" if kind == "times" else kind


def _like(now: datetime, times: pd.Series) -> pd.Timestamp:
    """Return a time as a column has them, with a zone or without."""
    return pd.Timestamp(now) if times.dt.tz else pd.Timestamp(now).tz_localize(None)


def read(path: Path, known: pd.DataFrame) -> pd.DataFrame:
    """Return the table in a Parquet or CSV file; CSV has no types, so its columns get those of the data so far.

    Raises:
        UserError: it cannot be read as such, or has no row.
    """
    kinds = {TIMESTAMP: "times"} | {str(name): str(_kind(column)) for name, column in known.items()}
    texts = {name: bool(known[name].hasnans) for name, kind in kinds.items() if kind == "text"}
    rows = read_file(path, texts, [name for name, kind in kinds.items() if kind.startswith("times")])
    for name in (name for name, kind in kinds.items() if kind == "times with a zone" and name in rows):
        if not pd.api.types.is_datetime64_any_dtype(rows[name]):  # summer and winter time differ
            rows[name] = in_utc(rows[name], name)
    return rows


def main() -> None:
    """Add the rows of a file, or the labeled predictions of the log."""
    parser = argparse.ArgumentParser(prog="poe new-data", description="Add new rows as monthly partitions.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "file", nargs="?", type=user_path, metavar="FILE", help="Parquet or CSV, with all columns of ingest"
    )
    source.add_argument("--from-log", action="store_true", help="labeled predictions of the last --days")
    parser.add_argument("--days", type=int, default=90, help="default: 90")
    arguments = parser.parse_args()
    with exit_on_user_error("new-data"):
        known = so_far()
        rows = from_log(arguments.days, known) if arguments.from_log else read(arguments.file, known)
        added = add(rows, known)
        print(f"{FOLDER}: {', '.join(f'{month} {count:,} rows' for month, count in added.items())}")
        print(
            f"Commit {FOLDER}.dvc; `uv run poe retrain` learns from them when there is a reason to, `uv run poe pipeline` now"
        )


if __name__ == "__main__":
    main()
