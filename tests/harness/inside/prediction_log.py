"""Print how many rows the prediction log has, whether or not files were merged since, and how many requests."""

import json
from pathlib import Path

import pandas as pd

parts = [pd.read_parquet(path, columns=["request_id"]) for path in Path("data/predictions").rglob("*.parquet")]
ids = pd.concat(parts)["request_id"] if parts else pd.Series(dtype=str)
print(json.dumps({"rows": len(ids), "requests": int(ids.nunique())}))
