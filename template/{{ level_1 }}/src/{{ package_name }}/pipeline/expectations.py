# Managed by copier-mlops: an update merges with your edits.
"""Validates a table with Great Expectations."""

import logging
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd
import yaml
from great_expectations.checkpoint import UpdateDataDocsAction
from great_expectations.data_context import EphemeralDataContext
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.exceptions import GreatExpectationsError
from great_expectations.expectations.registry import get_expectation_impl

from ..core.errors import UserError

logging.getLogger("great_expectations").setLevel(logging.WARNING)


def load_suite(path: Path) -> gx.ExpectationSuite:
    """Return the expectations in `path`, a YAML list of expectations with their arguments.

    Raises:
        UserError: an expectation does not exist or does not have such an argument.
    """
    expectations = []
    for number, entry in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), start=1):
        if not isinstance(entry, dict) or len(entry) != 1:
            raise UserError(f"{path}, expectation {number}: write `- NAME: {{ column: COLUMN }}`, not {entry!r}")
        ((name, arguments),) = entry.items()
        try:
            expectations.append(get_expectation_impl(name)(**arguments))
        except (ValueError, TypeError, GreatExpectationsError) as error:
            raise UserError(f"{path}, expectation {number}: {' '.join(str(error).split())}") from error
    return gx.ExpectationSuite(name=path.stem, expectations=expectations)


def check(frame: pd.DataFrame, suite: gx.ExpectationSuite, docs: Path) -> list[str]:
    """Write the validation pages to the folder `docs` and return one line for each expectation that is not met."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name=suite.name,
            validation_definitions=[_definition(context, suite)],
            actions=[_write_pages(context, docs)],
            result_format="SUMMARY",
        )
    )
    (result,) = checkpoint.run(batch_parameters={"dataframe": frame}).run_results.values()
    missing = [column for column in _columns(suite) if column not in frame]
    failed = [_line(one, frame) for one in result.results if not one.success and _column(one) not in missing]
    return [f"{column}: the column is missing" for column in missing] + failed


def _definition(context: EphemeralDataContext, suite: gx.ExpectationSuite) -> gx.ValidationDefinition:
    asset = context.data_sources.add_pandas("project").add_dataframe_asset(suite.name)
    batch = asset.add_batch_definition_whole_dataframe("all rows")
    return context.validation_definitions.add(
        gx.ValidationDefinition(name=suite.name, data=batch, suite=context.suites.add(suite))
    )


def _write_pages(context: EphemeralDataContext, docs: Path) -> UpdateDataDocsAction:
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    context.add_data_docs_site(
        "docs", {"class_name": "SiteBuilder", "store_backend": store, "site_index_builder": index}
    )
    return UpdateDataDocsAction(name="docs", site_names=["docs"])


def _column(result: Any) -> str:
    return result.expectation_config.kwargs.get("column", "table")


def _columns(suite: gx.ExpectationSuite) -> list[str]:
    columns = (expectation.configuration.kwargs.get("column") for expectation in suite.expectations)
    return list(dict.fromkeys(column for column in columns if column))


def _line(one: Any, frame: pd.DataFrame) -> str:
    """Return column, expectation, the number of rows that break it, and an example."""
    arguments: dict[str, Any] = {
        name: value for name, value in one.expectation_config.kwargs.items() if name not in ("column", "batch_id")
    }
    expectation = " ".join([one.expectation_config.type, *(f"{name}={value}" for name, value in arguments.items())])
    found = one.result
    if "unexpected_count" in found:
        example = found["partial_unexpected_list"][0] if found["partial_unexpected_list"] else None
        count = f"{found['unexpected_count']} of {found['element_count']} rows, such as {example!r}"
    elif "observed_value" in found:
        count = f"found {found['observed_value']!r}"
    else:
        values = frame[_column(one)]
        count = f"cannot be checked on values of type {values.dtype}, such as {values.iloc[0]!r}"
    return f"{_column(one)}: {expectation}: {count}"
