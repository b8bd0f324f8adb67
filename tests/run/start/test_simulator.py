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


LINEAR = """
import json

import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from customer_churn.modeling import data
from customer_churn.modeling.model import build_model
from customer_churn.pipeline.params import load_params

params = load_params()


def with_ratios(frame):
    features, target = data.features_and_target(frame)
    months, gigabytes = features["tenure_months"] + 1, features["data_usage_gb"] + 1
    return features.assign(a=features["monthly_charge"] / months, b=features["monthly_charge"] / gigabytes), target


train, test = data.split(data.ingest(params.data, params.seed), params.split)
numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
transformer = make_column_transformer(
    (OneHotEncoder(), make_column_selector(dtype_exclude="number")),
    (numbers, make_column_selector(dtype_include="number")),
)
linear = make_pipeline(transformer, LogisticRegression(max_iter=1000))
default = build_model(params.model, params.seed)
scores = {}
for name, model, prepare in (("default", default, data.features_and_target), ("linear", linear, with_ratios)):
    features, target = prepare(test)
    probability = model.fit(*prepare(train)).predict_proba(features)[:, 1]
    scores[name] = [accuracy_score(target, probability > 0.5), roc_auc_score(target, probability)]
print(json.dumps(scores))
"""


@pytest.mark.parametrize("framework", ["scikit-learn", "xgboost"])
def test_default_model_beats_a_logistic_regression_with_ratios(installed, framework):
    scores = json.loads(installed(maturity_level=0, framework=framework).python(LINEAR))
    assert all(ours > linear + 0.01 for ours, linear in zip(scores["default"], scores["linear"], strict=True)), scores


@pytest.mark.parametrize(("drift", "prices"), [("data_drift_from", True), ("concept_drift_from", False)])
def test_drift_begins_on_its_day(installed, drift, prices):
    found = json.loads(installed(maturity_level=0).python(CODE.format(drift=drift)))
    assert found == {"equal before": True, "prices change": prices, "churn changes": True}
