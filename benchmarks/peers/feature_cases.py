"""Automated features on simulated customers by the code of a project: feature_cases.py PACKAGE RUNS.

It runs in a project after `ingest`. Prints JSON: ROC AUC of the test rows, percent of runs that keep noise, CPU milliseconds.
"""

import json
import sys
import time
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

PACKAGE, RUNS = sys.argv[1], int(sys.argv[2])
REPETITIONS, LATE = 300, pd.Timedelta(21, "D")
find, events = import_module(f"{PACKAGE}.training.find_features"), import_module(f"{PACKAGE}.modeling.events")
plugin = import_module(f"{PACKAGE}.serving.plugins.window_features")
settings, params, limits = find.FeatureSettings.load(), find.load_params(), find.Retraining.load().comparison
ROWS = find.read_table(find.RAW).assign(late=lambda rows: rows["event_timestamp"] + LATE)


def search(happened: pd.DataFrame, label_time: str = "event_timestamp") -> tuple[Any, Any]:
    """Return what a search finds with these events, and all candidates."""
    happened.to_parquet(settings.events, index=False)
    every = find.describe(ROWS, settings.model_copy(update={"label_time": label_time}))
    frame = find.with_features(ROWS, every).drop(columns="late")
    return find.search(frame, every.names, params, limits), every


def main() -> None:
    """Print the figures."""
    happened = events.simulate(ROWS)
    found, every = search(happened)
    leaking, _ = search(happened, "late")
    noise = 0
    for seed in range(RUNS):
        left = np.random.default_rng(seed).permutation(ROWS["churned"])  # events do not depend on who leaves
        noise += bool(search(events.simulate(ROWS.assign(churned=left), seed), "event_timestamp")[0].kept)
    own = happened[happened["customer_id"] == happened["customer_id"].value_counts().index[0]]
    sent = [{**one, "time": one["time"].isoformat()} for one in own.to_dict("records")]
    body, millis = json.dumps({"rows": [{"events": sent}]}).encode(), []
    for _ in range(REPETITIONS):
        started = time.thread_time()
        plugin.with_features(body, every, every.names)
        millis.append(1_000 * (time.thread_time() - started))
    without, with_them = found.metrics["roc_auc"]
    auc = {"without": without, "with": with_them, "cut three weeks late": leaking.metrics["roc_auc"][1]}
    served = {
        "events": len(own),
        "features": len(every.names),
        "p50": np.median(millis),
        "p99": np.quantile(millis, 0.99),
    }
    kept = {
        "candidates": len(found.why),
        "kept": len(found.kept),
        "percent of runs that keep noise": 100 * noise / RUNS,
    }
    print(json.dumps({"auc": auc, "kept": kept, "milliseconds": served}))


main()
