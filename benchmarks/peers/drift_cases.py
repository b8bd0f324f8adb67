"""Batches with and without drift, tested by the monitoring of a project or by evidently: drift_cases.py ours | evidently.

Run in the environment of either. Prints JSON: percent of batches with an alarm by case, and CPU seconds.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd

REFERENCES, REFERENCE_ROWS, BATCH_ROWS = 8, 50_000, 2_000
LEVELS = {"contract": 3, "payment": 3, "region": 4, "plan": 6, "channel": 5, "device": 8, "segment": 12, "flag": 2}
SHARES = {
    name: np.random.default_rng(place).dirichlet(np.full(levels, 3.0))
    for place, (name, levels) in enumerate(LEVELS.items())
}
MISSING = {"usage": 0.05, "satisfaction": 0.30, "age": 0.10, "device": 0.08, "noise": 0.02}
CASES = {
    "none": "no drift",
    "mean": "mean + 0.2 sd",
    "spread": "spread x 1.2",
    "category": "one category + 6 points",
    "new": "new category, 1 %",
    "missing": "missing 5 to 10 %",
    "correlation": "correlation 0.5 to 0.2",
}


def make(rows: int, rng: np.random.Generator, shift: str = "none") -> pd.DataFrame:
    """Return 12 numbers and 8 categories, some with missing values, with one planted shift."""
    tie = 0.2 if shift == "correlation" else 0.5
    related = rng.multivariate_normal(np.zeros(3), [[1, tie, 0.2], [tie, 1, 0.3], [0.2, 0.3, 1]], rows)
    frame = pd.DataFrame(
        {
            "tenure": rng.gamma(2, 14, rows).clip(0, 240).round(),
            "charge": rng.gamma(9, 6, rows).clip(5, 400).round(2) + (3.6 if shift == "mean" else 0),
            "calls": rng.poisson(1.4, rows).astype(float),
            "usage": rng.lognormal(2.2, 0.7, rows).round(2),
            "satisfaction": rng.choice(5, rows, p=[0.07, 0.13, 0.25, 0.35, 0.2]) + 1.0,
            "age": rng.normal(45, 14, rows).round(),
            "first": related[:, 0],
            "second": related[:, 1],
            "third": related[:, 2],
            "noise": rng.standard_normal(rows) * (1.2 if shift == "spread" else 1),
            "heavy": rng.standard_t(5, rows),
            "waiting": rng.exponential(1, rows),
        }
    )
    for name, levels in LEVELS.items():
        shares = SHARES[name] + ([0.06, -0.02, -0.02, -0.02] if (shift, name) == ("category", "region") else 0)
        drawn = rng.choice(levels, rows, p=shares / shares.sum())
        if (shift, name) == ("new", "payment"):
            drawn = np.where(rng.random(rows) < 0.01, levels, drawn)
        frame[name] = np.array([f"{name} {level}" for level in range(levels + 1)], dtype=object)[drawn]
    for name, share in MISSING.items():
        frame.loc[rng.random(rows) < (0.1 if (shift, name) == ("missing", "usage") else share), name] = np.nan
    return frame


def rates(alarm: Callable[[pd.DataFrame], list[bool]], clean: int, shifted: int) -> dict[str, list[float]]:
    """Return the percent of batches with an alarm by case, for each verdict that `alarm` returns."""
    found = {}
    for place, case in enumerate(CASES):
        batches = clean if case == "none" else shifted
        hits = [alarm(make(BATCH_ROWS, np.random.default_rng([7, place, batch]), case)) for batch in range(batches)]
        found[case] = (100 * np.mean(hits, axis=0)).round(1).tolist()
    return found


def cpu(run: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    started = time.process_time()
    run()
    return round(time.process_time() - started, 2)


def ours(clean: int, shifted: int) -> dict[str, object]:
    """Test batches as `poe monitor` does, and read samples of large ones from a prediction log."""
    from customer_churn.monitoring.drift import Profile, judge
    from customer_churn.monitoring.monitor import SAMPLE
    from customer_churn.monitoring.prediction_log import Window, features, query
    from customer_churn.monitoring.settings import Monitoring

    settings = Monitoring.load()
    references = cycle([Profile.of(make(REFERENCE_ROWS, np.random.default_rng(seed))) for seed in range(REFERENCES)])

    def alarm(batch: pd.DataFrame) -> list[bool]:
        judged = judge(next(references).compare(batch), settings.significance, settings.min_effect)
        return [any(one.alarm for one in judged)]

    seconds = {}
    for rows, day in ((BATCH_ROWS, 1), (50_000, 2), (1_000_000, 3)):
        start = datetime(2026, 1, day, tzinfo=UTC)
        write_log(make(rows, np.random.default_rng(rows)), start)
        window, sql = Window(start, start + timedelta(days=1)), SAMPLE.format(rows=settings.sample_rows)
        seconds[rows] = cpu(lambda window=window, sql=sql: alarm(features(query(sql, window, ("m", "1")))))
    return {"rates": rates(alarm, clean, shifted), "cpu_seconds": seconds, "join": join(10_000_000)}


def write_log(frame: pd.DataFrame, start: datetime) -> None:
    """Write rows to the prediction log, spread over a day."""
    folder = Path("data/predictions", f"date={start.date()}")
    folder.mkdir(parents=True, exist_ok=True)
    rows = np.arange(len(frame))
    log = frame.add_prefix("feature.").assign(
        request_id=[f"r{row}" for row in rows],
        row=np.zeros(len(frame), "int32"),
        entity=[f"C{row}" for row in rows],
        time=pd.DatetimeIndex(start + pd.to_timedelta(rows * (86_400_000_000 // len(frame)), unit="us")).as_unit("us"),
        model="m",
        version="1",
        variant="champion",
        prediction=0.5,
    )
    log.to_parquet(folder / "bench-1-0-1.parquet", index=False)


def join(predictions: int) -> float:
    """Return the CPU seconds in which predictions get their labels, of which 80 % are known."""
    from customer_churn.monitoring.labels import JOIN, LABELS, stored
    from customer_churn.monitoring.prediction_log import Window, query

    start = datetime(2026, 2, 1, tzinfo=UTC)
    for day in range(10):
        at = start + timedelta(days=day)
        rows = predictions // 10
        write_log(pd.DataFrame(index=range(rows)), at)
        known = np.random.default_rng(day).random(rows) < 0.8
        labels = pd.DataFrame({"entity": [f"C{row}" for row in np.flatnonzero(known)], "target": 1, "value": 1.0})
        labels["label_time"] = pd.Series([at + timedelta(days=1)] * len(labels)).dt.as_unit("us")
        LABELS.mkdir(parents=True, exist_ok=True)
        labels.to_parquet(LABELS / f"date={(at + timedelta(days=1)).date()}.parquet", index=False)
    window = Window(start, start + timedelta(days=10))
    labels = stored(window.moved(timedelta(days=1)))
    sql = f"select version, count(*), count(target), avg(target) from ({JOIN}) group by version"
    return cpu(lambda: query(sql, window, ("m", 90 * 86_400.0), labels=labels))


def evidently(clean: int, shifted: int) -> dict[str, object]:
    """Test batches by evidently's preset with its defaults: any column, and the whole data set."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(
        numerical_columns=[name for name in make(10, np.random.default_rng(0)) if name not in LEVELS],
        categorical_columns=[*LEVELS],
    )

    def dataset(frame: pd.DataFrame) -> Dataset:
        return Dataset.from_pandas(frame, data_definition=definition)

    reference = dataset(make(REFERENCE_ROWS, np.random.default_rng(1)))

    def alarm(batch: pd.DataFrame) -> list[bool]:
        whole, *columns = Report([DataDriftPreset()]).run(dataset(batch), reference).dict()["metrics"]
        drifted = [
            one["value"] < one["config"]["threshold"]
            if "p_value" in one["config"]["method"]
            else one["value"] >= one["config"]["threshold"]
            for one in columns
        ]
        return [any(drifted), whole["value"]["share"] >= 0.5]

    seconds = {
        rows: cpu(lambda rows=rows: alarm(make(rows, np.random.default_rng(rows)))) for rows in (BATCH_ROWS, 50_000)
    }
    return {"rates": rates(alarm, clean, shifted), "cpu_seconds": seconds}


if __name__ == "__main__":
    _, which, clean, shifted = sys.argv
    print(json.dumps({"ours": ours, "evidently": evidently}[which](int(clean), int(shifted))))
