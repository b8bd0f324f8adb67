"""A model is used without a server: rows of a file in, predictions out."""

import csv

from harness.projects import registry
from harness.template import Project


def rows(project: Project, name: str) -> list[dict[str, str]]:
    with (project.path / name).open(newline="") as file:
        return list(csv.DictReader(file))


def to_csv(project: Project) -> None:
    """Write the test rows as a table without the columns that are known later."""
    package = project.answers["package_name"]
    project.python(
        f"import pandas; from {package}.modeling.data import KNOWN_LATER\n"
        "pandas.read_parquet('data/test.parquet').drop(columns=KNOWN_LATER).to_csv('new.csv', index=False)"
    )


def test_rows_of_a_file_are_predicted(new):
    to_csv(new)
    assert "new_predictions.csv: 500 predictions" in new.process("predict", "new.csv").stdout
    predicted = rows(new, "new_predictions.csv")
    assert [row["customer_id"] for row in predicted] == [row["customer_id"] for row in rows(new, "new.csv")]
    found = {float(row["prediction"]) for row in predicted}
    assert found <= {0, 1} if new.answers["problem_type"] == "classification" else min(found) >= 0
    assert "is missing" in new.poe("predict", "none.csv", rc=1).stderr


def test_version_and_alias_of_the_registry_predict_as_the_trained_model(churn):
    to_csv(churn)
    churn.poe("predict", "new.csv", "--output", "trained.csv")
    for version, number in {"1": "1", "challenger": registry(churn).challenger}.items():
        churn.poe("predict", "new.csv", "--output", "registered.csv", "--version", version)
        assert rows(churn, "registered.csv") == [row | {"version": number} for row in rows(churn, "trained.csv")]
    assert "`poe versions` lists all" in churn.poe("predict", "new.csv", "--version", "99", rc=1).stderr
