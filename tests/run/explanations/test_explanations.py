"""Explanations by a real server, and those of XGBoost."""

from collections.abc import Callable

from harness.projects import inside
from harness.server import eventually, serving
from harness.template import Project


def test_server_explains_its_predictions(autonomous: Project):
    report = autonomous.json("reports/explanations.json")
    with serving(autonomous) as server:
        rows = inside(autonomous, "predictions.py", autonomous.answers["package_name"])["rows"]
        eventually("the model", lambda: server.ask("/explain", {"rows": rows[:2]}).status == 200)
        answer = server.ask("/explain", {"rows": rows[:2]})
        assert (answer.json["version"], answer.json["method"]) == ("1", "permutation importance")
        assert answer.json["columns"] == report["columns"]
        assert "HistGradientBoostingClassifier is neither XGBoost nor linear" in answer.json["note"]
        assert server.ask("/explain", {"rows": [{"region": 5}]}).status == 422
        assert server.ask("/explain?version=9", {"rows": rows[:1]}).status == 404
        assert server.ask("/predict", {"rows": rows[:1]}).status == 200


def test_contributions_of_xgboost_and_of_its_classes(installed: Callable[..., Project]):
    project = installed(maturity_level=3, framework="xgboost")
    done = project.run("uv", "run", "pytest", "-q", "-k", "xgboost", "tests/test_explanations.py")
    assert "skipped" not in done.stdout
