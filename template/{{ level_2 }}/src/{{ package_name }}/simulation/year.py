# Managed by copier-mlops: an update merges with your edits.
"""Twelve months of the whole loop, beside a model that is never trained again: `poe year`.

Everything is real: server, prediction log, late labels, monitoring, retraining, validation and promotion. Only time is not: a
month passes in seconds, because the times in the log are moved to when the row arrived in the simulation.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from pydantic import BaseModel

from ..core.environment import environment
from ..core.errors import exit_on_user_error
from ..core.io import write_json
from ..core.paths import REPORTS
from ..core.prediction_log import PredictionLog, folder_of
from ..core.times import in_utc
from ..drills.harness import months
from ..drills.harness.sandbox import quiet, sandbox, wait
from ..modeling.data import ENTITY, TARGET, TIMESTAMP, VALUE, features_and_target
from ..modeling.labels import TIME
from ..modeling.model import business_kpi
from ..monitoring.client import Client, outputs
from ..monitoring.labels import ingest
from ..monitoring.live_server import live_server
from ..monitoring.monitor import Monitor
from ..monitoring.prediction_log import Window
from ..monitoring.replay import replay
from ..pipeline.metrics import as_prediction
from ..pipeline.params import load_params
from ..pipeline.served import predict_served
from ..registry.client import Tracking, champion, connected
from ..serving.loader import LoadedModel, load
from ..training import new_data
from ..training.decision import Retrained
from ..training.retrain import retrain
from . import page

RESULT = REPORTS / "year.json"
LABEL_DAYS = 7  # until an outcome is known
MARGIN = 0.05  # of the KPI of the model that is never trained again, by which retraining must beat it after the drift
SETTINGS = {
    "MONITORING_BATCH_HOURS": str(24 * months.DAYS),
    "MONITORING_HISTORY": "3",
    "MONITORING_LABEL_DELAY_HOURS": str(24 * LABEL_DAYS),
    "MONITORING_LABEL_WINDOW_HOURS": str(48 * LABEL_DAYS),
    "PREDICTION_LOG_KEEP_DAYS": "4000",
    "RETRAINING_PROMOTION": "automatic",
    "RETRAINING_WINDOW_DAYS": "180",
    "RETRAINING_WINDOW_DAYS_AFTER_CONCEPT_DRIFT": str(months.DAYS),
    "RETRAINING_PAUSE_DAYS": "20",
}


class Month(BaseModel, frozen=True):
    """What happened in a month."""

    month: int
    rows: int
    version: str  # that predicted
    drifted: list[str]  # columns, at its end
    surprise_z: float | None
    kpi_name: str
    kpi: float
    kpi_frozen: float  # of the first champion, on the same rows
    decision: str
    kinds: list[str]  # of the triggers that it acted on
    outcome: str | None
    champion: str  # after it


class Year(BaseModel, frozen=True):
    """The whole year."""

    kpi: str
    months: list[Month]
    gain: float  # of the KPI by retraining, a month, since the concept drift could be noticed
    margin: float  # that it must reach
    quiet_actions: int  # retrainings before any drift for another reason than the schedule
    seconds: float

    @property
    def passed(self) -> bool:
        """Return whether retraining paid, and was quiet while nothing had changed."""
        return self.gain >= self.margin and not self.quiet_actions


def simulate(rows: int, seed: int) -> Year:
    """Return a simulated year, which happens in a copy of the project, with a number of rows in each month."""
    started, found = time.monotonic(), list[Month]()
    with sandbox(), environment(**SETTINGS), connected(), live_server() as server:
        for month in live_months(rows, seed, server):
            found.append(month)
            print(f"  {line(month)}", flush=True)
    calm = found[: months.DATA_DRIFT - 1]
    return Year(
        kpi=found[0].kpi_name,
        months=found,
        gain=float(np.mean([one.kpi - one.kpi_frozen for one in found[months.CONCEPT_DRIFT :]])),
        margin=MARGIN * abs(float(np.mean([one.kpi_frozen for one in calm]))),
        quiet_actions=sum(bool({*one.kinds} - {"schedule"}) for one in calm),
        seconds=time.monotonic() - started,
    )


def live_months(rows: int, seed: int, server: Client, learn: Callable[[date], Retrained] = retrain) -> Iterator[Month]:
    """Let the months of a year pass, and yield what happened in each; `learn` retrains if there is a reason to."""
    with quiet():
        frozen, first, tables = load(Tracking.load().model, "1"), months.start(), [*months.months(rows, seed)]
    for number, table in enumerate(tables, 1):
        end = datetime.combine(first + timedelta(days=number * months.DAYS), datetime.min.time(), UTC)
        with quiet():
            answers = [answer for answer, _ in replay(server, table)]
            _move_log(table, f"year{number:02}-0.parquet")
            _label(pd.concat(tables[:number][-2:]), end)
            results, _ = Monitor.load().run(Window(end - timedelta(days=months.DAYS), end))
            results[-1].write()
            known = new_data.so_far()
            new_data.add(new_data.from_log(2 * months.DAYS, known, end), known, end)
            done = learn(end.date())
            with connected():
                current = str(champion(MlflowClient(), frozen.name))
            wait(partial(_serves, server, frozen.name, current), "reload")
        concept = results[-1].concept
        name, value = kpi(table, np.array([outputs(answer)[0] for answer in answers]), frozen)
        yield Month(
            month=number,
            rows=len(table),
            version=answers[0]["version"],
            drifted=results[-1].drifted,
            surprise_z=concept.surprise_z if concept else None,
            kpi_name=name,
            kpi=value,
            kpi_frozen=kpi(table, predict_served(frozen, features_and_target(table)[0]), frozen)[1],
            decision=done.reason,
            kinds=[trigger.kind for trigger in done.triggers] if done.decided else [],
            outcome=done.outcome,
            champion=current,
        )


def _serves(server: Client, model: str, version: str) -> bool:
    return version in json.loads(server.get(f"/v2/models/{model}") or b"{}").get("versions", [])


def kpi(table: pd.DataFrame, values: np.ndarray, model: LoadedModel) -> tuple[str, float]:
    """Return name and value of the business KPI of predictions."""
    prediction = as_prediction(values, model.predictor.classes, table)
    found = business_kpi(table[TARGET], prediction, table[VALUE], load_params().business)
    return next(iter(found.items()))


def _move_log(table: pd.DataFrame, name: str) -> None:
    """Move the predictions of a month in the log from now to the times of their rows."""
    times = pd.Series(in_utc(table[TIMESTAMP], TIMESTAMP).to_numpy(), table[ENTITY].astype(str))
    folder, days = PredictionLog.load().folder, [datetime.now(UTC).date() - timedelta(days=back) for back in (0, 1)]

    def parts() -> list[Path]:
        found = (path for day in days for path in (folder / folder_of(day)).glob("[!.]*.parquet"))
        return [path for path in found if "year" not in path.name]

    def rows() -> int:
        return sum(pd.read_parquet(path, columns=["entity"])["entity"].isin(times.index).sum() for path in parts())

    wait(lambda: rows() >= len(table), "the log is written")
    logged = pd.concat(map(pd.read_parquet, parts()))  # others than those of the month have no time, and are left out
    logged["time"] = logged["entity"].map(times).astype("datetime64[us, UTC]")
    for path in parts():
        path.unlink()
    for day, rows in logged.groupby(logged["time"].dt.date):
        (folder / folder_of(day)).mkdir(parents=True, exist_ok=True)
        rows.to_parquet(folder / folder_of(day) / name, index=False)


def _label(rows: pd.DataFrame, end: datetime) -> None:
    """Bring the outcomes of rows that are known at the end of a month, some of them again."""
    outcomes = rows[[ENTITY, TARGET, VALUE]].assign(
        **{TIME: in_utc(rows[TIMESTAMP], TIMESTAMP) + pd.Timedelta(LABEL_DAYS, "D")}
    )
    ingest(outcomes[outcomes[TIME] <= end], end)


def line(month: Month) -> str:
    """Return what happened in a month in one line."""
    seen = [f"drift in {', '.join(month.drifted[:3])}"] if month.drifted else []
    seen += [f"surprise z {month.surprise_z:.1f}"] if month.surprise_z is not None else []
    acted = f"retrained ({', '.join(month.kinds)}): {month.outcome}" if month.kinds else "not retrained"
    kpi = f"KPI {month.kpi:.4f}, without retraining {month.kpi_frozen:.4f}"
    return "; ".join([f"month {month.month:2}: version {month.version}, {kpi}", *seen, acted])


def main() -> None:
    """Simulate a year, write `reports/year.json` and its page; exit with code 1 if retraining did not pay."""
    parser = argparse.ArgumentParser(prog="poe year", description="Simulate a year of the loop, with drift.")
    parser.add_argument("--rows", type=int, default=800, help="of a month; default: 800")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with exit_on_user_error("year"):
        year = simulate(arguments.rows, arguments.seed)
        write_json(year.model_dump(mode="json"), RESULT)
        page.write(year.model_dump(mode="json"))
        print(f"year: {year.kpi} {year.gain:+.4f} a month by retraining after the drift; margin {year.margin:.4f}")
        print(f"  {year.quiet_actions} retrainings beyond the schedule while nothing had changed; see {page.PAGE}")
        if not year.passed:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
