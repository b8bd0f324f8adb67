"""Prepare labels and rows of the future for a feature store (`labels`), or print what it has joined (`joined`)."""

import json
import sys

import pandas as pd

KEY, TIME = "customer_id", "event_timestamp"
_, step = sys.argv[1:]
raw = pd.read_parquet("data/raw.parquet")
labels = raw[[KEY, TIME, "churned"]].sample(frac=1, random_state=0)
others = [labels.head(1).assign(**{TIME: pd.Timestamp("2020-01-01")}), labels.head(1).assign(**{KEY: "C-none"})]
asked = pd.concat([labels, *others], ignore_index=True)
if step == "labels":
    asked.to_parquet("data/labels.parquet")
    rows = pd.read_parquet("data/features.parquet")
    later = rows[TIME] + pd.Timedelta(minutes=1)  # known a minute after the label, and would give it away
    planted = rows.assign(**{TIME: later, "created": later, "tenure_months": 999.0 + raw["churned"].to_numpy()})
    pd.concat([rows, planted]).to_parquet("data/features.parquet", index=False)
    print(json.dumps({}))
else:
    joined, known = pd.read_parquet("data/joined.parquet"), asked.merge(raw, on=[KEY, TIME], how="left")
    names = ["tenure_months", "support_calls", "contract", "satisfaction"]
    differ = (joined[names] != known[names]) & ~(joined[names].isna() & known[names].isna())
    print(
        json.dumps(
            {
                "keys": raw[KEY].head(2).tolist(),
                "in_order": joined[KEY].tolist() == asked[KEY].tolist(),
                "rows": len(joined),
                "different": int(differ.to_numpy().sum()),
                "without_features": int(joined["tenure_months"].isna().sum()),
            }
        )
    )
