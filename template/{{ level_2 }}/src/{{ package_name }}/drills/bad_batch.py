# Managed by copier-mlops: an update merges with your edits.
"""A poisoned partition: it is stopped before it reaches the data, and the champion keeps serving."""

import time

import pandas as pd

from ..core.inputs import Inputs
from ..core.io import read_table
from ..modeling.data import features_and_target
from ..monitoring.live_server import live_server
from ..pipeline.sources.partitions import FOLDER
from . import Evidence
from .harness.months import next_rows
from .harness.sandbox import sandbox

POISON = "42 units"


def main() -> Evidence:
    """Send a batch one of whose features is unusable, then the same batch as it should be."""
    with sandbox() as copy, live_server() as server:
        good = next_rows()
        feature = write_batches(good)
        before, started = stored(), time.monotonic()
        code, printed = copy.attempt("training.new_data", "bad.parquet")
        detected = time.monotonic() - started
        kept_out = code == 1 and stored() == before
        answered = server.predict(Inputs.read().to_rows(features_and_target(good.head(10))[0])) is not None
        copy.run("training.new_data", "good.parquet")
        added = stored() - before
        recovered = time.monotonic() - started
    return Evidence(
        fault=f"a batch of {len(good)} rows in which {feature} holds texts such as {POISON!r}",
        detected_after_seconds=detected if kept_out else None,
        decision=" ".join(printed.split())[:300],
        action="nothing was added; the batch as it should be was added after it" if kept_out else "it was added",
        recovered_after_seconds=recovered if added == len(good) else None,
        requests=server.requests,
        requests_failed=server.failed,
        recovered=kept_out and added == len(good) and answered,
    )


def write_batches(good: pd.DataFrame) -> str:
    """Write `good.parquet`, and `bad.parquet`, in which a feature is unusable; return its name."""
    feature = _poisoned(features_and_target(good)[0])
    poisoned = good[feature].astype(object).where(good.index % 2 == 0, POISON).astype(str)
    good.assign(**{feature: poisoned}).to_parquet("bad.parquet")
    good.to_parquet("good.parquet")
    return feature


def _poisoned(features: pd.DataFrame) -> str:
    """Return the first feature that holds numbers: a text is no fault in one that holds texts."""
    return str([*features.select_dtypes("number"), *features][0])


def stored() -> int:
    """Return the number of rows in all partitions."""
    return sum(len(read_table(path)) for path in FOLDER.glob("*.parquet"))
