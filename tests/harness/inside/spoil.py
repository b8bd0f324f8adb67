"""Spoil data/raw.parquet in the way that is named on the command line."""

import json
import sys

import pandas as pd

RAW = "data/raw.parquet"


def cell(frame: pd.DataFrame, column: str | list[str], value: object, rows: int) -> pd.DataFrame:
    frame.loc[frame.index[:rows], column] = value
    return frame


WAYS = {
    "missing column": lambda frame: frame.drop(columns="tenure_months"),
    "null ids": lambda frame: cell(frame, "customer_id", None, 3),
    "out of range": lambda frame: cell(frame, "monthly_charge", 5000.0, 4),
    "duplicate keys": lambda frame: cell(frame, ["customer_id", "event_timestamp"], frame.iloc[9, :2].tolist(), 5),
    "empty column": lambda frame: frame.assign(region=None),
    "too few rows": lambda frame: frame.head(400),
    "wrong type": lambda frame: frame.assign(event_timestamp=frame["event_timestamp"].astype(str)),
    "numbers as text": lambda frame: frame.assign(support_calls=frame["support_calls"].astype(str)),
    "two at once": lambda frame: cell(frame.drop(columns="payment"), "contract", "unlimited", 2),
}

frame = WAYS[sys.argv[2]](pd.read_parquet(RAW))
frame.to_parquet(RAW, index=False)
print(json.dumps(len(frame)))
