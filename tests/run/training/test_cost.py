"""What a pipeline and a server cost, and the budget that stops a registration."""

import re
from functools import partial

from harness.projects import inside, registry
from harness.prometheus import ask, ask_in_use, dashboards_of, filled_in, firing, prometheus, targets_of
from harness.server import eventually, serving


def test_run_has_its_cost_in_report_and_registry(looping):
    cost = looping.json("reports/cost.json")
    assert 0 < cost["used"] == cost["charged"] < 1
    assert cost["usage"]["cpu_seconds"] > 1, "of all stages"
    assert cost["thousand_predictions"]["marginal"] > 0
    assert 0 < cost["thousand_predictions"]["paid"] < 1
    page = looping.text("reports/index.html")
    assert "Charged: <strong>" in page
    assert "a thousand predictions" in page
    (run,) = registry(looping).experiments["customer-churn/production"]
    assert run["metrics"]["cost_charged"] == cost["charged"]
    assert run["metrics"]["cost_predictions_paid"] == cost["thousand_predictions"]["paid"]


def test_run_over_budget_is_registered_but_does_not_become_the_challenger(looping):
    before = registry(looping)
    refused = looping.poe("register", rc=None, COST_BUDGET='{"max_training_run": 1e-9}')
    assert refused.returncode != 0
    assert "misses max_training_run 1e-09 in config/cost.yaml" in refused.stderr
    after = registry(looping)
    assert int(after.newest) == int(before.newest) + 1
    assert after.challenger == before.challenger


def test_cost_of_a_server_is_measured_and_every_panel_finds_data(looping, tmp_path, tool):
    with serving(looping, COST_BUDGET='{"max_thousand_predictions": 1e-9}') as server:
        eventually("a model", server.ready)
        rows = inside(looping, "predictions.py", looping.answers["package_name"])["rows"]
        server.ask("/predict", {"rows": rows[:1]})
        at_once = ["PredictionsOverBudget"]
        with prometheus(looping, {"server:8080": server.url}, tmp_path, tool("prometheus"), at_once) as address:
            eventually("a first look", lambda: ask(address, "inference_requests_total"))
            for expression in map(filled_in, targets_of(dashboards_of(looping)["cost.json"])):
                eventually(f"data for {expression}", partial(ask_in_use, address, expression, server, rows))
            eventually("an alert", lambda: firing(address, "PredictionsOverBudget"))
            (training,) = ask(address, "cost_training_run")
            assert float(training["value"][1]) == looping.json("reports/cost.json")["charged"]
        printed = looping.process("cost", "--server", server.url, "--seconds", "1").stdout
        assert re.search(r"server: 0 predictions, .* CPU seconds in \d+ s", printed)
        assert re.search(r"last run: [\d.e-]+ USD", printed)
    refused = looping.poe("cost", "--server", server.url, rc=1)
    assert "start it by `uv run poe serve`" in refused.stderr
