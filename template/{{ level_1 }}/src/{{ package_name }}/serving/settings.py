# Managed by copier-mlops: an update merges with your edits.
"""The settings of the server."""

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, ValidationInfo, field_validator

from ..core.settings import Settings
from ..registry.client import aliases_of


class Serving(Settings, env_prefix="SERVING_"):
    """The schema of `config/serving.yaml`."""

    models: list[str] = Field(min_length=1)
    aliases: list[str] = Field(min_length=1)
    reload_seconds: PositiveFloat
    drain_seconds: NonNegativeFloat
    max_rows: PositiveInt
    max_megabytes: PositiveFloat
    prediction_buckets: list[float]

    @field_validator("aliases")
    @classmethod
    def _complete(cls, aliases: list[str], known: ValidationInfo) -> list[str]:
        models = known.data.get("models", [])
        for entry in aliases:
            model, at, alias = entry.rpartition("@")
            if not alias or (at and model not in models):
                raise ValueError(f"{entry} is neither ALIAS nor MODEL@ALIAS of a model in models: {', '.join(models)}")
        if missing := [model for model in models if not aliases_of(model, aliases)]:
            raise ValueError(f"no alias for the model {missing[0]}")
        return aliases
