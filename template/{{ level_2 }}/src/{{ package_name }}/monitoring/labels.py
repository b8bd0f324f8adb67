# Managed by copier-mlops: an update merges with your edits.
"""The outcomes of predictions: `poe labels` stores them, and `labeled` joins them to the prediction log."""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from filelock import FileLock
from pydantic import BaseModel

from .. import FOLDER
from ..core.column_types import TEXT, example, kind_of
from ..core.errors import UserError, exit_on_user_error
from ..core.io import read_table, readable, write_json, write_table
from ..core.paths import RAW, REPORTS
from ..core.prediction_log import PredictionLog, folder_of
from ..core.times import in_utc
from ..modeling import labels as source
from ..modeling.data import ENTITY, TARGET, VALUE
from ..pipeline.metrics import checked_target
from ..registry.client import Tracking
from .prediction_log import Window, query, spans
from .settings import Monitoring

LABELS = Path(FOLDER, "data/labels")
REPORT = REPORTS / "labels.json"
COLUMNS = pa.schema(
    {
        "entity": pa.string(),
        "label_time": pa.timestamp("us", "UTC"),
        "target": pa.float64(),  # or whatever the column is in modeling.data
        "value": pa.float64(),
    }
)
EXAMPLES = 3
# Each prediction gets the first outcome of its entity that was known after it, unless that came too late.
JOIN = """
    with joined as (
        select predictions.*, labels.* exclude (entity), label_time - time <= to_seconds($2) as timely
        from predictions asof left join labels
        on predictions.entity = labels.entity and predictions.time <= labels.label_time
        where predictions.model = $1
    )
    select * exclude (timely) replace (
        if(timely, target, null) as target, if(timely, label_time, null) as label_time, if(timely, value, null) as value
    )
    from joined
"""


class Ingested(BaseModel, frozen=True):
    """What became of the outcomes that `modeling.labels` returned."""

    ingested: datetime
    new: int
    repeated: int
    corrected: int
    unknown: int  # of entities that the log lacks
    impossible: int  # no time, a time in the future, or one before the first prediction for the entity

    def line(self) -> str:
        """Return one line for people."""
        counts = self.model_dump(exclude={"ingested"})
        return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def ingest(outcomes: pd.DataFrame, now: datetime | None = None) -> Ingested:
    """Store outcomes; those that are stored already change nothing. Of two for the same entity and time the last counts.

    Those of unknown entities or with impossible times are left out, counted and printed.

    Raises:
        UserError: a column is missing or there twice, or holds values of another kind; nothing is stored.
    """
    now = now or datetime.now(UTC)
    found = _checked(outcomes)
    keep = timedelta(days=PredictionLog.load().keep_days + 1)
    entities = found[["entity"]].drop_duplicates()
    known = _first_predictions(entities, Window(now - keep, now + timedelta(seconds=1)))
    first = found[["entity"]].merge(known.astype({"entity": TEXT}), how="left")["first"].set_axis(found.index)
    time = found["label_time"]
    unknown = found["entity"].isna() | first.isna()
    impossible = ~unknown & (time.isna() | (time > now) | (time < first) | found["target"].isna())
    for reason, rows in (("no prediction for", unknown), ("an impossible time for", impossible)):
        if rows.any():
            examples = ", ".join(found.loc[rows, "entity"].fillna("(none)").head(EXAMPLES))
            print(f"  {int(rows.sum()):,} outcomes are left out: {reason} {ENTITY} {examples}")
    kept = found[~unknown & ~impossible]
    LABELS.mkdir(parents=True, exist_ok=True)
    with FileLock(LABELS / ".lock"):
        counts = [_store(folder_of(day), part) for day, part in kept.groupby(kept["label_time"].dt.date)]
    new, repeated, corrected = (sum(each) for each in zip((0, 0, 0), *counts, strict=True))
    return Ingested(
        ingested=now,
        new=new,
        repeated=repeated + len(outcomes) - len(found),
        corrected=corrected,
        unknown=int(unknown.sum()),
        impossible=int(impossible.sum()),
    )


def _first_predictions(entities: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Return the time of the first prediction for each entity that has one: its columns are `entity` and `first`.

    It reads a month at a time: the reader keeps 60 kB for each file, and a busy server writes 144 files a day.
    """
    sql = "select entity, min(time) as first from predictions semi join entities using (entity) group by entity"
    found = pd.concat([query(sql, month, entities=entities) for month in spans(window, days=30)], ignore_index=True)
    return found.groupby("entity", as_index=False).agg({"first": "min"})


def labeled(start: datetime, end: datetime, version: str | None = None, rows: int | None = None) -> pd.DataFrame:
    """Return the project's predictions in a span of time with `target`, `label_time` and `value`, null where no label is known.

    With `version`, only its predictions; with `rows`, at most this number, chosen at random.
    """
    settings, window = Monitoring.load(), Window(start, end)
    accepted = timedelta(hours=settings.label_window_hours)
    parameters = (Tracking.load().model, accepted.total_seconds(), *([version] if version else []))
    sql = f"{JOIN} where version = $3" if version else JOIN
    sample = "" if rows is None else f" using sample reservoir({rows:d} rows) repeatable (0)"
    known = stored(window._replace(end=end + accepted))
    return query(f"select * from ({sql}){sample}", window, parameters, version, labels=known)


def stored(window: Window) -> ds.Dataset | pa.Table:
    """Return the outcomes with a time in a window, by whole days, for DuckDB to read."""
    first, last = (folder_of(each.astimezone(UTC).date()) for each in window)
    paths = [path for path in sorted(LABELS.glob("date=*.parquet")) if first <= path.stem <= last]
    if not paths:
        return COLUMNS.empty_table()
    schema = pa.unify_schemas([*map(_schema, paths)], promote_options="permissive")
    return ds.dataset(paths, schema=schema, format="parquet")


def _schema(path: Path) -> pa.Schema:
    with readable(path):
        return pq.read_schema(path)


def _checked(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return outcomes with the columns of the store, the last of those with the same entity and time."""
    names = {ENTITY: "entity", source.TIME: "label_time", TARGET: "target", VALUE: "value"}
    place = "modeling.labels.outcomes"
    for name in (ENTITY, source.TIME, TARGET):
        if (count := [*outcomes.columns].count(name)) != 1:
            raise UserError(f"{place}: there {'is no column' if count == 0 else 'are two columns'} {name}")
    found = outcomes[[name for name in names if name in outcomes]].rename(columns=names)
    try:
        found["label_time"] = in_utc(found["label_time"], source.TIME)
        found["target"] = _targets(found["target"])
        if "value" in found and kind_of(found["value"]) not in ("numbers", "booleans"):
            raise UserError(f"{VALUE}: expected numbers, found {example(found['value'])}")
    except UserError as error:
        raise UserError(f"{place}: {error}") from error
    if found["entity"].map(lambda value: isinstance(value, list | tuple | set | dict)).any():
        raise UserError(f"{place}: {ENTITY}: a row is about one entity, found several in a row")
    found["entity"] = found["entity"].astype(TEXT)
    if "value" not in found:
        found["value"] = 1.0
    key = ["entity", "label_time"]
    differ = found.duplicated(key, keep="last") & ~found.duplicated([*key, "target"], keep="last")
    if differ.any():
        examples = ", ".join(found.loc[differ, "entity"].fillna("(none)").head(EXAMPLES))
        print(
            f"  {int(differ.sum()):,} outcomes differ from a later one with the same {ENTITY} and {source.TIME}, which"
            f" counts, such as of {examples}: a prediction gets one outcome, the first of its {ENTITY} after it"
        )
    return found.drop_duplicates(key, keep="last")


def _targets(column: pd.Series) -> pd.Series:
    """Return outcomes with the kind of values that the target has in the data, where that is there: 1 is True."""
    there = column.dropna()
    if there.empty:
        return column
    target = checked_target(there.rename(TARGET))
    if RAW.exists():
        found, expected = (kind_of(one) for one in (target, read_table(RAW, columns=[TARGET])[TARGET]))
        if {found, expected} == {"numbers", "booleans"} and target.isin([0, 1]).all():
            target = target.astype("bool" if expected == "booleans" else "int64")
        elif found != expected:
            raise UserError(f"{TARGET}: expected {expected} as in the data, found {found}, such as {example(target)}")
    return target.reindex(column.index)


def _store(day: str, part: pd.DataFrame) -> tuple[int, int, int]:
    """Add the outcomes of a day to its file, and return how many are new, repeated and corrected."""
    path = LABELS / f"{day}.parquet"
    if not path.exists():
        write_table(part, path)
        return len(part), 0, 0
    key = ["entity", "label_time"]
    before = read_table(path)
    both = part.merge(before, on=key, how="left", suffixes=("", "_before"), indicator="origin")
    there = (both["origin"] == "both").to_numpy()
    same = there & ((both["target"] == both["target_before"]) & (both["value"] == both["value_before"])).to_numpy()
    if not same.all():
        write_table(pd.concat([before, part]).drop_duplicates(key, keep="last"), path)
    return int((~there).sum()), int(same.sum()), int((there & ~same).sum())


def main() -> None:
    """Ingest the outcomes that are known since the oldest prediction whose label is still accepted."""
    argparse.ArgumentParser(prog="poe labels", description="Store the outcomes of modeling/labels.py.").parse_args()
    with exit_on_user_error("labels"):
        now, settings = datetime.now(UTC), Monitoring.load()
        since = now - timedelta(hours=2 * settings.label_window_hours)
        done = ingest(source.outcomes(since), now)
        write_json(done.model_dump(mode="json"), REPORT)
        print(f"labels: {done.line()}")


if __name__ == "__main__":
    main()
