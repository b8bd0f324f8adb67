# Managed by copier-mlops: an update merges with your edits.
"""Tries features of an events table, and keeps those that make the model better: `poe find-features`.

Candidates are ranked by permutation importance (Breiman 2001, "Random Forests"). One after the other is added to the model, and
stays if the loss of the latest training rows falls by more than chance explains: by a normal test of the paired difference at 5 %
for all candidates together (Bonferroni). What stays is tried on the test rows: it is kept if the whole bootstrap interval of the
difference to the model without it is below zero, which is the verdict "better" of a comparison with the champion.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from ..core.errors import UserError, exit_on_user_error
from ..core.inputs import Inputs
from ..core.io import atomic_write, read_table, write_json
from ..core.paths import RAW, REPORTS, user_path
from ..core.retraining import Limits, Retraining
from ..core.windows import FILE, Chosen, FeatureSettings, candidates
from ..modeling import data
from ..modeling.params import Params
from ..pipeline.comparison import interval, losses
from ..pipeline.metrics import SCORING, performance, predict
from ..pipeline.params import load_params
from ..pipeline.predict import read_rows
from ..pipeline.sources.window_features import MODELING, table_features, with_features
from ..pipeline.stages.evaluate import importance
from ..pipeline.stages.train import untrained
from ..reporting.html import write_page

PAGE = REPORTS / "features.html"
SIGNIFICANCE = 0.05  # probability that noise stays before the test rows decide
MEASURE = SCORING if SCORING == "log loss" else "mean absolute error"  # what `comparison.losses` returns


@dataclass
class Found:
    """What was tried and kept, and why."""

    why: dict[str, str]  # by candidate
    importance: dict[str, float] = field(default_factory=dict)
    added: dict[str, tuple[float, float]] = field(default_factory=dict)  # change of the loss, and its standard error
    chosen: list[str] = field(default_factory=list)  # tried on the test rows
    metrics: dict[str, tuple[float, float]] = field(default_factory=dict)  # of the test rows without and with them
    change: tuple[float, float, float] | None = None  # of the loss on test rows, as a share, with its interval
    rows: int = 0

    @property
    def kept(self) -> list[str]:
        """The candidates that are kept."""
        return self.chosen if self.change and self.change[2] < 0 else []

    @property
    def line(self) -> str:
        """The result in one line."""
        about = "none makes the model better on the latest training rows"
        if self.change is not None:
            change, low, high = self.change
            about = f"{MEASURE} {change:+.1%}, {low:+.1%} to {high:+.1%}, on {self.rows:,} test rows"
        return f"{len(self.kept) or 'none'} of {len(self.why)} candidates kept: {about}"


def search(frame: pd.DataFrame, names: list[str], params: Params, limits: Limits) -> Found:
    """Return which candidates are kept.

    Args:
        frame: the raw data with all candidates.
        names: of the candidates.
        params: of split and model.
        limits: of the comparison.

    Raises:
        UserError: there are too few test rows, or the model does not read the candidates.
    """
    train, test = data.split(frame, params.split)
    earlier, later = data.split(train, params.split)
    found = Found(dict.fromkeys(names, "adds too little"), rows=len(test))
    if len(test) < limits.min_rows:
        raise UserError(f"{len(test)} test rows are too few: `comparison.min_rows` in {Retraining.path()} is the limit")

    def fitted(columns: list[str], rows: pd.DataFrame, on: pd.DataFrame) -> tuple[Any, pd.DataFrame, pd.Series]:
        """Return a model with some of the candidates, and features and target of later rows."""
        left_out = [name for name in names if name not in columns]
        features, target = data.features_and_target(rows.drop(columns=left_out))
        unseen, outcome = data.features_and_target(on.drop(columns=left_out))
        if lost := [name for name in columns if name not in unseen]:
            raise UserError(f"data.py: features_and_target does not return {lost[0]}: let it return new columns")
        inputs = Inputs.of(features, unseen)
        return untrained(params).fit(inputs.from_table(features), target), inputs.from_table(unseen), outcome

    def predicted(columns: list[str], rows: pd.DataFrame, on: pd.DataFrame) -> tuple[np.ndarray, dict[str, float]]:
        """Return the loss of each later row, and the metrics."""
        model, unseen, outcome = fitted(columns, rows, on)
        prediction = predict(model, unseen)
        return losses(outcome, prediction), performance(outcome, prediction)

    vary = [name for name in names if earlier[name].nunique() > 1]
    found.why |= {name: "has one value" for name in names if name not in vary}
    found.importance = importance(*fitted(vary, earlier, later), params.seed)[vary].sort_values()[::-1].to_dict()
    if vary and not any(found.importance.values()):
        raise UserError("features.py: the model does not read new columns: let build_features pass them on")
    ranked = [name for name, rise in found.importance.items() if rise > 0]
    found.why |= dict.fromkeys(found.importance.keys() - ranked, "no better than shuffled")
    limit = NormalDist().inv_cdf(1 - SIGNIFICANCE / max(2, len(ranked)))
    none = loss = predicted([], earlier, later)[0]
    for name in ranked:
        gain = loss - (with_it := predicted([*found.chosen, name], earlier, later)[0])
        error = float(gain.std(ddof=1) / len(gain) ** 0.5)
        found.added[name] = -float(gain.mean() / none.mean()), error / float(none.mean())
        if gain.mean() > limit * error:
            found.chosen.append(name)
            loss = with_it
    if found.chosen:
        (old, before), (new, after) = predicted([], train, test), predicted(found.chosen, train, test)
        low, high = interval(new - old, old, test[data.ENTITY], limits, params.seed)
        found.change = (float((new - old).mean() / old.mean()), low, high)
        found.metrics = {name: (value, after[name]) for name, value in before.items()}
        found.why |= dict.fromkeys(found.chosen, "kept" if found.kept else "no better on the test rows")
    return found


def describe(frame: pd.DataFrame, settings: FeatureSettings) -> Chosen:
    """Return all candidates.

    Raises:
        UserError: there is no table, or a candidate has the name of a column.
    """
    found = Chosen(
        **settings.model_dump(include={"events", "entity", "time", "tables"}),
        label_time=settings.label_time or data.TIMESTAMP,
        windows=candidates(settings) if settings.events else [],
        columns=[str(name) for table in settings.tables for name in table_features(frame, table)],
    )
    if not found.names:
        raise UserError(f"{settings.path()}: neither `events` nor `tables` names a table, or `values` is empty")
    if clash := {*found.names} & {*frame}:
        raise UserError(f"{min(clash)}: the data has a column of this name already: rename one of them")
    return found


def find() -> Found:
    """Search, write what is kept for the pipeline and the server, and the page."""
    settings, params, frame = FeatureSettings.load(), load_params(), read_table(RAW)
    before = Chosen.read(MODELING)
    frame = frame.drop(columns=before.names if before else [], errors="ignore")
    all_of_them = describe(frame, settings)
    limits = Retraining.load().comparison
    found = search(with_features(frame, all_of_them), all_of_them.names, params, limits)
    if found.kept:
        write_json(all_of_them.only(found.kept).model_dump(mode="json"), MODELING / FILE)
    else:
        (MODELING / FILE).unlink(missing_ok=True)
    write_page(PAGE, found=found, settings=settings, measure=MEASURE)
    return found


def join(rows: Path, output: Path) -> str:
    """Write rows with the chosen columns, and return a message.

    Raises:
        UserError: nothing was chosen, or the rows lack a column.
    """
    if (chosen := Chosen.read(MODELING)) is None:
        raise UserError(f"{MODELING / FILE} is missing: no features were kept")
    frame = with_features(read_rows(rows, Inputs.read()), chosen)
    with atomic_write(output) as temporary:
        frame.to_parquet(temporary, index=False)
    return f"{output}: {len(frame):,} rows with {len(chosen.names)} further columns"


def main() -> None:
    """Search, or join the chosen features to the rows of a file."""
    parser = argparse.ArgumentParser(prog="poe find-features", description="Find features that make the model better.")
    parser.add_argument(
        "--join", nargs=2, type=user_path, metavar=("ROWS", "OUTPUT"), help="add the chosen features to rows"
    )
    arguments = parser.parse_args()
    with exit_on_user_error("find-features"):
        if arguments.join:
            print(join(*arguments.join))
            return
        found = find()
        print("\n".join([found.line, *(f"  {name}" for name in found.kept), f"{PAGE} has all candidates"]))
        if found.kept:
            print("Next: `uv run poe pipeline` trains with them; commit src/ and config/features.yaml")


if __name__ == "__main__":
    main()
