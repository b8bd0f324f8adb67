# Managed by copier-mlops: an update merges with your edits.
"""What `serving.yaml` says."""

from pathlib import Path

from pydantic import BaseModel, Field, NonNegativeFloat, PositiveFloat, PositiveInt

CONFIGURATION = Path("serving.yaml")


class Serving(BaseModel, extra="forbid", frozen=True):
    """The schema of `serving.yaml`."""

    models: list[str] = Field(min_length=1)
    reload_seconds: PositiveFloat
    drain_seconds: NonNegativeFloat
    max_rows: PositiveInt
    max_megabytes: PositiveFloat
    prediction_buckets: list[float]
