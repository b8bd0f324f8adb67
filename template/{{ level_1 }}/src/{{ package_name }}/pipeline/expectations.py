# Managed by copier-mlops: an update merges with your edits.
"""Validates a table with Great Expectations, which is imported where it is needed: that takes seconds."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..core.column_types import example
from ..core.config import read_yaml
from ..core.errors import UserError

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

logging.getLogger("great_expectations").setLevel(logging.WARNING)
COLUMNS = ("column", "column_A", "column_B", "column_list")  # arguments that name columns
NULLS = "expect_column_values_to_be_null"


@dataclass(frozen=True)
class Outcome:
    """Whether an expectation is met."""

    subject: str  # a column, several, or the table
    expectation: str  # with its arguments
    met: bool
    found: str

    @property
    def line(self) -> str:
        """Subject, expectation, and what was found instead."""
        return ": ".join(part for part in (self.subject, self.expectation, self.found) if part)


def load_suite(path: Path, frame: pd.DataFrame) -> "ExpectationSuite":
    """Return the expectations in `path`, a YAML list of expectations with their arguments.

    A date, in quotes or not, is a time if the column of `frame` holds times.

    Raises:
        UserError: the file is no such list, or an expectation does not exist or does not have such an argument.
    """
    from great_expectations import ExpectationSuite

    if not path.exists():
        raise UserError(f"{path} is missing: write `- NAME: {{ column: COLUMN }}` for each expectation")
    entries = read_yaml(path)
    if not isinstance(entries, list) or not entries:
        raise UserError(f"{path} holds no list of expectations: write `- NAME: {{ column: COLUMN }}` for each")
    return ExpectationSuite(
        name=path.stem,
        expectations=[_expectation(entry, frame, f"{path}, expectation {n}") for n, entry in enumerate(entries, 1)],
    )


def check(frame: pd.DataFrame, suite: "ExpectationSuite") -> list[Outcome]:
    """Return the outcome of each expectation, and one for each of their columns that is absent or wholly missing."""
    from great_expectations import get_context
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("project").add_dataframe_asset(suite.name)
    batch = asset.add_batch_definition_whole_dataframe("all rows").get_batch({"dataframe": frame})
    validated: Any = batch.validate(suite, result_format="SUMMARY")
    results = validated.results
    named = dict.fromkeys(column for result in results for column in _columns(result))
    absent = [column for column in named if column not in frame]
    nulls = {column for result in results if result.expectation_config.type == NULLS for column in _columns(result)}
    empty = [column for column in named if column in frame and column not in nulls and frame[column].isna().all()]
    return [
        *(Outcome(column, "", False, "the column is missing") for column in absent),
        *(Outcome(column, "", False, "all values are missing") for column in empty),
        *(_outcome(result, frame) for result in results if not {*absent, *empty} & {*_columns(result)}),
    ]


def _expectation(entry: Any, frame: pd.DataFrame, where: str) -> Any:
    from great_expectations.exceptions import ExpectationNotFoundError, GreatExpectationsError
    from great_expectations.expectations.registry import get_expectation_impl

    if not isinstance(entry, dict) or len(entry) != 1 or not isinstance(next(iter(entry.values())), dict | None):
        raise UserError(f"{where}: write `- NAME: {{ column: COLUMN }}`, not {entry!r}")
    ((name, arguments),) = entry.items()
    arguments = arguments or {}
    column = arguments.get("column")
    if column in frame and pd.api.types.is_datetime64_any_dtype(frame[column]):
        arguments = {key: _as_time(value, frame[column].dt.tz) for key, value in arguments.items()}
    try:
        return get_expectation_impl(name)(**arguments)
    except ExpectationNotFoundError as error:
        raise UserError(f"{where}: {name} is none: names are such as expect_column_values_to_not_be_null") from error
    except (ValueError, TypeError, GreatExpectationsError) as error:
        raise UserError(f"{where}: {' '.join(str(error).split())}") from error


def _as_time(value: Any, zone: Any) -> Any:
    """Return dates in an argument as times in a zone."""
    if isinstance(value, list):
        return [_as_time(each, zone) for each in value]
    if isinstance(value, dict):
        return {key: _as_time(each, zone) for key, each in value.items()}
    try:
        time = pd.Timestamp(datetime.fromisoformat(value) if isinstance(value, str) else value)
    except ValueError:
        return value
    if not isinstance(value, str | date):
        return value
    return time.tz_localize(zone) if time.tzinfo is None and zone else time


def _columns(result: Any) -> Iterator[str]:
    for name in COLUMNS:
        value = result.expectation_config.kwargs.get(name)
        yield from [value] if isinstance(value, str) else value or []


def _outcome(result: Any, frame: pd.DataFrame) -> Outcome:
    config, details = result.expectation_config, result.result
    arguments = {name: value for name, value in config.kwargs.items() if name not in (*COLUMNS[:1], "batch_id")}
    expectation = " ".join([config.type, *(f"{name}={_text(value)}" for name, value in arguments.items())])
    if "unexpected_count" in details:
        examples = details["partial_unexpected_list"]
        such = f", such as {_text(examples[0])}" if examples else ""
        found = f"{details['unexpected_count']} of {details['element_count']} rows{such}"
    elif "observed_value" in details:
        found = f"found {_text(details['observed_value'])}"
    else:
        found = f"cannot be checked ({_message(result.exception_info)})"
        if (column := config.kwargs.get("column")) in frame:
            found += f" on values of type {frame[column].dtype}, such as {example(frame[column])}"
    return Outcome(config.kwargs.get("column") or "table", expectation, bool(result.success), found)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    return str(value) if isinstance(value, date) else repr(getattr(value, "item", lambda: value)())


def _message(information: dict[str, Any]) -> str:
    found = information.get("exception_message") or next(iter(information.values()), "")
    return " ".join(str(found).split())[:300]
