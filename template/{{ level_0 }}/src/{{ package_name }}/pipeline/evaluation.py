# Managed by copier-mlops: an update merges with your edits.
"""All metrics of a prediction, and the check that the quality gate names none but these."""

from typing import Any

import pandas as pd

from ..core.thresholds import check_names
from ..modeling.data import TARGET, VALUE
from ..modeling.model import business_kpi
from ..modeling.params import Params
from .gate import PLACE
from .metrics import baseline, constant_prediction, performance


def evaluate(prediction: Any, train: pd.DataFrame, test: pd.DataFrame, params: Params) -> dict[str, float]:
    """Return performance, business KPI and baseline of a prediction of the test rows, as `metrics.predict` returns it.

    The baseline is measured with the target of the training rows.
    """
    return {
        **performance(test[TARGET], prediction),
        **business_kpi(test[TARGET], prediction, test[VALUE], params.business),
        **baseline(train[TARGET], test[TARGET]),
    }


def check_gate(train: pd.DataFrame, test: pd.DataFrame, params: Params) -> None:
    """Check the names in `gate` before a model is trained, with a prediction that is the same for all rows.

    Raises:
        UserError: the gate names an unknown metric.
    """
    prediction = constant_prediction(train[TARGET], test.index)
    check_names(params.gate, evaluate(prediction, train, test, params), PLACE)
