# Managed by copier-mlops: an update merges with your edits.
"""Monitors a batch of predictions: `poe monitor`, once a batch, such as each night."""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..core.errors import UserError, exit_on_user_error
from ..modeling.data import TARGET
from ..modeling.params import Params
from ..pipeline.params import load_params
from ..registry.client import Tracking
from ..serving.handler import monitored_values
from . import reference
from .drift import Outcome, Profile, judge, kolmogorov_smirnov, snapped
from .labels import labeled
from .performance import Expectation, Truth, as_prediction, measure, new_classes
from .prediction_log import Window, features, query, time_in_utc
from .quality import check_quality
from .result import ColumnDrift, Concept, Drift, Kpi, MonitoringResult, Performance, Quality
from .settings import Monitoring

# One row for each entity, the last: the tests assume that rows are independent.
SAMPLE = """
    with each_entity as (
        select request_id, row from predictions where model = $1 and version = $2
        qualify entity is null or row_number() over (partition by entity order by time desc, request_id, row) = 1
    ),
    chosen as (select * from each_entity using sample reservoir({rows} rows) repeatable (0))
    select predictions.* from predictions semi join chosen using (request_id, row)
"""


class Batch(NamedTuple):
    """Predictions in a window."""

    window: Window
    version: str
    rows: int
    sample: pd.DataFrame


@dataclass(frozen=True)
class Monitor:
    """Compares batches with the versions that predicted them."""

    settings: Monitoring
    params: Params
    model: str

    @classmethod
    def load(cls) -> "Monitor":
        """Return the monitor that the files in `config/` and `params.yaml` describe."""
        return cls(Monitoring.load(), load_params(), Tracking.load().model)

    def run(self, window: Window, by_slice: bool = False) -> tuple[list[MonitoringResult], pd.DataFrame]:
        """Return the results of earlier batches and, last, of this one, if wanted by slice; and a sample of its rows.

        Raises:
            UserError: the batch has too few rows.
        """
        newest = self.batch(window)
        if self._too_few(newest):
            raise UserError(
                f"{newest.rows:,} predictions of {self.model} between {window.start:%Y-%m-%d %H:%M:%S} and"
                f" {window.end:%Y-%m-%d %H:%M:%S} UTC, {len(newest.sample):,} of them the last of an entity, are too few:"
                f" min_rows in {Monitoring.path()} is {self.settings.min_rows}"
            )
        results: list[MonitoringResult] = []
        for back in range(self.settings.history, 0, -1):
            earlier = self.batch(window.moved((window.start - window.end) * back))
            if not self._too_few(earlier):
                results.append(self._judge(earlier, results, by_slice=False))
        return [*results, self._judge(newest, results, by_slice)], newest.sample

    def _too_few(self, batch: Batch) -> bool:
        """Return whether the tests, which take one row of each entity, would find nothing in a batch."""
        return len(batch.sample) < min(self.settings.min_rows, self.settings.sample_rows)

    def batch(self, window: Window) -> Batch:
        """Return the predictions of the version that made most of those in a window."""
        sql = "select version, count(*) as rows from predictions where model = $1 group by version order by rows desc"
        found = query(sql, window, (self.model,))
        version, rows = found.iloc[0] if len(found) else ("", 0)
        sample = query(SAMPLE.format(rows=self.settings.sample_rows), window, (self.model, version), str(version))
        return Batch(window, str(version), int(rows), sample)

    def _judge(self, batch: Batch, earlier: list[MonitoringResult], by_slice: bool) -> MonitoringResult:
        window, version, rows, sample = batch
        known, expectation, _ = _reference(self.model, version)
        before = earlier[-1] if earlier and (earlier[-1].end, earlier[-1].version) == (window.start, version) else None
        performance, kpi, concept, problems = self._due(window, version, before, by_slice)
        estimated = expectation.estimate(as_prediction(sample["output"], known.classes))
        if performance or estimated:
            performance = (performance or _no_labels(window)).model_copy(update={"estimated": estimated})
        drift, quality = self.compare(version, sample, before)
        if problems:
            quality = quality.model_copy(update={"alarm": True, "problems": [*quality.problems, *problems]})
        return MonitoringResult(
            created=datetime.now(UTC),
            start=window.start,
            end=window.end,
            model=self.model,
            version=version,
            rows=rows,
            drift=drift,
            quality=quality,
            performance=performance,
            kpi=kpi,
            concept=concept,
        )

    def compare(self, version: str, sample: pd.DataFrame, before: MonitoringResult | None) -> tuple[Drift, Quality]:
        """Return data drift and data quality of a sample of predictions, which follows the result before, if any."""
        known, _, profile = _reference(self.model, version)
        batch = features(sample).reindex(columns=known.features.columns)
        tested = np.sort(monitored_values(np.array(known.output.tolist())))
        moved = kolmogorov_smirnov(tested, snapped(sample["prediction"].to_numpy(), tested))
        outcomes = [Outcome("prediction", "distribution", *moved), *profile.compare(batch)]
        judged = {one.name: one for one in judge(outcomes, self.settings.significance, self.settings.min_effect)}
        prediction = judged.pop("prediction")
        columns = _without_quiet_pairs([*judged.values()])
        alarm = prediction.alarm or any(one.alarm for one in columns)
        in_a_row = (before.drift.in_a_row if before else 0) + 1 if alarm else 0
        drift = Drift(alarm=alarm, in_a_row=in_a_row, columns=columns, prediction=prediction)
        return drift, check_quality(known.features, batch, self.settings.max_out_of_range)

    def _due(
        self, window: Window, version: str, before: MonitoringResult | None, by_slice: bool
    ) -> tuple[Performance | None, Kpi | None, Concept | None, list[str]]:
        """Return performance, KPI, concept drift and problems of the predictions whose labels became due in a window."""
        known, expectation, _ = _reference(self.model, version)
        due = window.moved(-self.settings.label_delay)
        rows = labeled(*due, version=version, rows=self.settings.sample_rows)
        new = new_classes(rows["target"], known)
        problems = [
            f"{TARGET}: {count:,} labels are {name!r}, a class that version {version} lacks"
            for name, count in new.items()
        ]
        if rows["target"].notna().sum() - new.sum() < self.settings.min_labels:
            return (_no_labels(due, rows) if len(rows) else None), None, None, problems
        performance, kpi = measure(rows, due, known, self.params, by_slice)
        truth = Truth.of(rows, known)
        surprise = expectation.surprise(truth.target, truth.prediction)
        alarm = surprise > self.settings.max_surprise_z
        in_a_row = (before.concept.in_a_row if before and before.concept else 0) + 1 if alarm else 0
        return performance, kpi, Concept(surprise_z=surprise, alarm=alarm, in_a_row=in_a_row), problems


def _without_quiet_pairs(columns: list[ColumnDrift]) -> list[ColumnDrift]:
    """Return the judged columns and, of the pairs, those with an alarm and the strongest of the others."""
    quiet = [one for one in columns if one.test == "correlation" and not one.alarm]
    return [one for one in columns if one not in quiet[1:]]


def _no_labels(window: Window, rows: pd.DataFrame | None = None) -> Performance:
    due, found = (0, 0) if rows is None else (len(rows), int(rows["target"].notna().sum()))
    return Performance(start=window.start, end=window.end, labeled=found, due=due, metrics={}, slices=[], estimated={})


@cache
def _reference(model: str, version: str) -> tuple[reference.Reference, Expectation, Profile]:
    found = reference.load(model, version)
    return found, Expectation(found), Profile.of(found.features)


def summary(result: MonitoringResult) -> str:
    """Return one line about a batch."""
    drift = f"drift in {', '.join(result.drifted)}, {result.drift.in_a_row} in a row"
    parts = [f"{result.rows:,} predictions of version {result.version}", drift if result.drifted else "no drift"]
    parts += result.quality.problems
    if result.concept:
        parts.append(f"surprise z {result.concept.surprise_z:.1f}")
    if result.performance and result.performance.due:
        parts.append(f"{result.performance.labeled:,} of {result.performance.due:,} due labels")
        parts += result.performance.shortfalls
    return "; ".join(parts)


def monitor(window: Window) -> MonitoringResult:
    """Monitor a batch, write `reports/monitoring.json` and its page, and return the result."""
    from . import page

    results, sample = Monitor.load().run(window, by_slice=True)
    result = results[-1]
    page.write(results, sample, _reference(result.model, result.version)[0])
    result.write()
    return result


def main() -> None:
    """Monitor the newest batch that has ended, or the one that is named."""
    parser = argparse.ArgumentParser(prog="poe monitor", description="Compare a batch with the training data.")
    parser.add_argument("--start", type=time_in_utc, metavar="TIME", help="in UTC; default: batch_hours before the end")
    parser.add_argument("--end", type=time_in_utc, metavar="TIME", help="in UTC, or now; default: of the newest batch")
    arguments = parser.parse_args()
    with exit_on_user_error("monitor"):
        settings = Monitoring.load()
        window = settings.last_batch(datetime.now(UTC))
        end = arguments.end or window.end
        window = Window(arguments.start or end - settings.batch, end)
        if window.start >= window.end:
            raise UserError(f"the batch ends at {window.end:%Y-%m-%d %H:%M:%S}, before it starts")
        print(f"monitor: {summary(monitor(window))}")


if __name__ == "__main__":
    main()
