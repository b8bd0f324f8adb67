# Managed by copier-mlops: an update merges with your edits.
"""Settings in `config/`, one file per concern. Environment variables override single values."""

import os
from pathlib import Path
from typing import Any, Self

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from .. import FOLDER
from .config import load
from .errors import UserError


class Settings(BaseSettings):
    """The schema of one file in `config/`; its `env_prefix` names the file and the variables.

    For example, `SERVING_MAX_ROWS=100` overrides `max_rows` in `config/serving.yaml`. A list has commas between its
    values, or is JSON as a mapping is.
    """

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    @classmethod
    def path(cls) -> Path:
        """Return where the file is: a model's own one, or the one of all models."""
        name = f"config/{_prefix(cls).removesuffix('_').lower()}.yaml"
        return own if (own := Path(FOLDER, name)).exists() else Path(name)

    @classmethod
    def load(cls) -> Self:
        """Return the settings in effect.

        Raises:
            UserError: the file is missing, or a value in it or in the environment does not fit the schema.
        """
        try:
            return load(cls.path(), cls)
        except UserError as error:
            if overrides := sorted(name for name in os.environ if name.startswith(_prefix(cls))):
                raise UserError(f"{error}; overridden by the environment: {', '.join(overrides)}") from error
            raise

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment override the file; read no other source."""
        return Environment(settings_cls), init_settings


class Environment(EnvSettingsSource):
    """Environment variables, whose lists may be written with commas."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: str) -> Any:
        """Return the value of a list or mapping."""
        try:
            found = super().decode_complex_value(field_name, field, value)
        except ValueError:
            found = None
        return found if isinstance(found, list | dict) else value.split(",")


def _prefix(schema: type[Settings]) -> str:
    return schema.model_config["env_prefix"]
