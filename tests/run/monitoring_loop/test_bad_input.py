"""What monitoring cannot work with is one line, and nothing is written."""

import pytest
from harness.projects import change, inside
from harness.template import Project


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "min_rows in config/monitoring.yaml is 200"),
        (["--start", "2026-02-01", "--end", "2026-01-01"], "the batch ends at 2026-01-01 00:00:00, before it starts"),
    ],
)
def test_batch_without_rows_is_one_line(looping: Project, arguments: list[str], message: str):
    done = looping.poe("monitor", *arguments, rc=1)
    assert message in done.stderr.splitlines()[-1]
    assert not (looping.path / "reports/monitoring.json").exists()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("batch_hours", 0, "batch_hours: Input should be greater than 0"),
        ("label_window_hours", 1, "label_window_hours must be at least label_delay_hours"),
        ("min_effect", {"distribution": 0.03}, "min_effect lacks categories, correlation, missing, new categories"),
        ("min_effect", {"psi": 0.1}, "min_effect.psi"),
    ],
)
def test_wrong_configuration_is_one_line(looping: Project, key: str, value: object, message: str):
    change(looping, "config/monitoring.yaml", **{key: value})
    assert message in looping.poe("monitor", rc=1).stderr.splitlines()[-1]


def test_labels_without_any_prediction_are_counted(looping: Project):
    folder = looping.path / "data/outcomes"
    folder.mkdir(parents=True)
    looping.python(
        "import pandas as pd, datetime as dt;"
        "pd.DataFrame({'customer_id': ['C1'], 'churned': [1], 'label_time': [dt.datetime.now(dt.UTC)]})"
        ".to_parquet('data/outcomes/a.parquet')"
    )
    printed = looping.poe("labels").stdout
    assert "1 outcomes are left out: no prediction for customer_id C1" in printed
    assert printed.splitlines()[-1] == "labels: 0 new, 0 repeated, 0 corrected, 1 unknown, 0 impossible"


def test_a_version_from_level_1_is_compared_with_the_data_in_the_folder(looping: Project):
    code = (
        "from customer_churn.monitoring import reference; reference.FILE = 'none';"
        "print(len(reference.load('customer-churn', '1').features))"
    )
    assert looping.python(code).splitlines()[-1] == "2000"
    (looping.path / "models/model.joblib").unlink()
    failed = looping.run("uv", "run", "python", "-c", code, rc=1)
    assert "customer-churn 1 was registered before level 2" in failed.stderr


def test_statistics_equal_those_of_scipy_and_scikit_learn(looping: Project):
    found = inside(looping, "monitoring_oracle.py", looping.answers["package_name"])
    for name in ("ks", "chi_square_p", "holm"):
        assert found[name][0] == pytest.approx(found[name][1])
    assert found["ks_p"][0] == pytest.approx(found["ks_p"][1], rel=0.1)
    assert found["roc_auc"][0] == pytest.approx(found["roc_auc"][1], abs=0.01)
    assert abs(found["calm"]) < 3
    assert found["changed"] > 30
    assert {"accuracy", "log_loss"} <= {*found["one_class"]}
    assert found["one_class_is_finite"]
