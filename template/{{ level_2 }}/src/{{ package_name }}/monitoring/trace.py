# Managed by copier-mlops: an update merges with your edits.
"""Shows where a prediction came from: `poe trace`."""

import argparse
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from mlflow import MlflowClient

from ..core.errors import UserError, exit_on_user_error
from ..registry.audit import line
from ..registry.audit_log import entries
from ..registry.client import connected, find
from ..registry.release import describe
from .prediction_log import Window, features, query, time_in_utc

NEAR = timedelta(hours=12)
MOVES = (" done", " started", " stopped")  # events that change which version is served to whom


def find_prediction(entity: str, at: datetime) -> tuple[pd.DataFrame, int]:
    """Return the row of the log that was predicted for an entity nearest to a time, and how many others are near.

    Raises:
        UserError: the log has none within 12 hours.
    """
    sql = "select * from predictions where entity = ? order by time, request_id, row"
    found = query(sql, Window(at - NEAR, at + NEAR), (entity,))
    if found.empty:
        raise UserError(
            f"the log has no prediction for {entity} within {NEAR.seconds // 3600} hours of {at:%Y-%m-%d %H:%M} UTC: "
            "is the place in config/prediction_log.yaml that of the servers, and does the client send X-Entity-ID?"
        )
    times = pd.to_datetime(found["time"], utc=True)
    nearest = int((times - at).abs().to_numpy().argmin())
    return found.iloc[[nearest]], len(found) - 1


def describe_prediction(row: pd.DataFrame) -> list[str]:
    """Return the prediction, its features, what its version was made from, and what was approved before and since."""
    record: dict[Hashable, Any] = row.iloc[0].to_dict()
    time = pd.Timestamp(record["time"]).tz_convert(UTC)
    title = f"{record['model']} {record['version']} predicted {record['prediction']:.6g} for {record['entity']}"
    used = ", ".join(f"{name} {value}" for name, value in features(row).iloc[0].dropna().items())
    trace = f", trace {record['traceparent'].split('-')[1]}" if pd.notna(record["traceparent"]) else ""
    log = [entry for entry in entries() if entry["model"] == record["model"]]
    before, since = _entries(log, record["version"], time.isoformat(timespec="milliseconds"))
    return [
        f"{title} at {time:%Y-%m-%d %H:%M:%S} UTC, as {record['variant']}",
        f"  request {record['request_id']}, row {record['row']}{trace}",
        f"  from {used or 'features that the log leaves out'}",
        _made_from(record["model"], record["version"]),
        "decided until then:",
        *(f"  {line(entry)}" for entry in before),
        "decided since then:",
        *([f"  {line(entry)}" for entry in since] or ["  nothing"]),
    ]


def _entries(log: list[dict[str, Any]], version: str, time: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the entries about a version until a time, with the last that changed what is served, and those since."""
    moves = [entry for entry in log if entry["event"].endswith(MOVES)]
    last = [entry for entry in moves if entry["timestamp"] <= time][-1:]
    before = [one for one in log if one["timestamp"] <= time and (one["version"] == version or one in last)]
    return before, [entry for entry in moves if entry["timestamp"] > time]


def _made_from(model: str, version: str) -> str:
    """Return the lineage of a version, or why it is not known: the prediction and its approval are, even so."""
    try:
        with connected():
            return describe(find(MlflowClient(), model, version))
    except UserError as error:
        return f"its lineage is not known: {error}"


def main() -> None:
    """Print where a prediction came from."""
    parser = argparse.ArgumentParser(prog="poe trace", description="Show where the prediction for an entity came from.")
    parser.add_argument("entity", help="as the client named it by X-Entity-ID")
    parser.add_argument("--at", type=time_in_utc, metavar="TIME", help="UTC, such as 2026-01-31T14:03; default: now")
    arguments = parser.parse_args()
    with exit_on_user_error("trace"):
        row, others = find_prediction(arguments.entity, arguments.at or datetime.now(UTC))
        print("\n".join(describe_prediction(row)))
        if others:
            print(f"{others} more for {arguments.entity} within 12 hours: --at chooses the nearest")


if __name__ == "__main__":
    main()
