# Managed by copier-mlops: an update merges with your edits.
"""The settings of the server."""

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from ..core.settings import Settings


class Serving(Settings, env_prefix="SERVING_"):
    """The schema of `config/serving.yaml`."""

    models: list[str] = Field(min_length=1)
    aliases: list[str] = Field(min_length=1)
    reload_seconds: PositiveFloat
    drain_seconds: NonNegativeFloat
    max_rows: PositiveInt
    max_megabytes: PositiveFloat
    prediction_buckets: list[float]
