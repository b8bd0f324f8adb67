"""Bad data stops before a model can learn from it, and one line for each expectation names what to look for."""

import re
from collections.abc import Callable

import pytest
from harness.projects import inside, stages_run
from harness.template import Project


@pytest.fixture
def fresh(churn: Project) -> Project:
    """Return a project without a model and without results of a validation."""
    (churn.path / "models/model.joblib").unlink()
    (churn.path / "reports/validation.html").unlink()
    return churn


@pytest.fixture
def validated(fresh: Project) -> Callable[[str], list[str]]:
    """Spoil the raw data, run the stages up to training, and return the lines about it."""

    def validated(spoiled: str) -> list[str]:
        inside(fresh, "spoil.py", spoiled)
        done = fresh.stages("validate", "split", "train", rc=1)
        head, *lines = done.stderr.strip().splitlines()
        assert head.startswith(
            "validate: data/raw.parquet breaks expectations/raw.yaml, see reports/validation.html"
        ), head
        assert (fresh.path / head.rpartition("see ")[2]).exists()
        return [line.strip() for line in lines]

    return validated


@pytest.mark.parametrize(
    ("spoiled", "expected"),
    [
        ("missing column", ["tenure_months: the column is missing"]),
        ("null ids", ["customer_id: expect_column_values_to_not_be_null: 3 of 2000 rows, such as (None|nan)"]),
        (
            "out of range",
            [
                "monthly_charge: expect_column_values_to_be_between min_value=0.0 max_value=1000.0: "
                + "4 of 2000 rows, such as 5000.0"
            ],
        ),
        (
            "duplicate keys",
            [r"table: expect_compound_columns_to_be_unique column_list=\['customer_id', .*\]: 6 of 2000 rows.*"],
        ),
        ("empty column", ["region: all values are missing"]),
        ("too few rows", ["table: expect_table_row_count_to_be_between min_value=500: found 400"]),
        ("wrong type", ["event_timestamp: expect_column_values_to_be_of_type type_='datetime64': found 'str'"]),
        (
            "numbers as text",
            [r"support_calls: expect_column_values_to_be_between min_value=0.0 max_value=100.0: .*, such as '\d'"],
        ),
        (
            "two at once",
            [
                "payment: the column is missing",
                r"contract: expect_column_values_to_be_in_set value_set=\['monthly', 'one year', 'two years'\]: "
                + "2 of 2000 rows, such as 'unlimited'",
            ],
        ),
    ],
)
def test_bad_data_is_a_line_for_each_expectation_and_trains_no_model(validated, fresh, spoiled, expected):
    lines = validated(spoiled)
    assert len(lines) == len(expected), lines
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line), line
    assert not (fresh.path / "models/model.joblib").exists()
    assert f"Failed: {len(lines)} of " in fresh.text("reports/validation.html")


def test_pipeline_stops_at_bad_data(fresh):
    data = (fresh.modeling / "data.py").read_text(encoding="utf-8")
    spoiled = data.replace(
        "return simulate(**params.model_dump(), seed=seed)",
        "return simulate(**params.model_dump(), seed=seed).assign(monthly_charge=-1.0)",
    )
    assert spoiled != data
    (fresh.modeling / "data.py").write_text(spoiled)
    done = fresh.poe("pipeline", rc=None)
    assert done.returncode != 0
    assert stages_run(done.stdout) == ["ingest", "prepare"]
    assert re.search(
        r"monthly_charge: \w+ min_value=0.0 max_value=1000.0: 2000 of 2000 rows, such as -1.0", done.stderr
    )
    assert not (fresh.path / "models/model.joblib").exists()
