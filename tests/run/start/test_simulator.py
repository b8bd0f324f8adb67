"""The example data drifts from the day that `params.yaml` names, and not before."""

import json

import pytest

CODE = """
import json
from datetime import date
from customer_churn.modeling.simulator import simulate

settings = dict(customers=1000, start=date(2026, 1, 1), days=120, seed=1)
still, drifted = simulate(**settings), simulate(**settings, {drift}=date(2026, 3, 1))
before = still["event_timestamp"] < "2026-03-01"
print(json.dumps({{
    "equal before": still[before].equals(drifted[before]),
    "prices change": bool((still["monthly_charge"] != drifted["monthly_charge"])[~before].any()),
    "churn changes": bool((still["churned"] != drifted["churned"])[~before].any()),
}}))
"""


@pytest.mark.parametrize(("drift", "prices"), [("data_drift_from", True), ("concept_drift_from", False)])
def test_drift_begins_on_its_day(installed, drift, prices):
    found = json.loads(installed(maturity_level=0).python(CODE.format(drift=drift)))
    assert found == {"equal before": True, "prices change": prices, "churn changes": True}
