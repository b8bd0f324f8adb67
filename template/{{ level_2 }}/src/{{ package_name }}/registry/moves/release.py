# Managed by copier-mlops: an update merges with your edits.
"""A version that becomes the champion gets an alias of its own, `release-N`, and the environment serves that alias.

So a promotion is a change in Git, which the cluster rolls out step by step: docs/decisions/0022-*.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from mlflow import MlflowClient

from ...core.errors import UserError
from ...core.io import write_text
from ...core.lineage import git
from ...core.settings import Settings
from ..client import aliases_of
from ..governance import Governance

OVERLAYS = Path("deploy/overlays")
SETTING = re.compile(r"(?<=SERVING_ALIASES=)\S+")


class Served(Settings, env_prefix="SERVING_", extra="ignore"):
    """What of `config/serving.yaml` decides how aliases are written."""

    models: list[str]


def follow(client: MlflowClient, model: str, version: str) -> str:
    """Set the alias `release-N` of a version, write it to the overlay of the environment, and return what is to be done.

    Raises:
        UserError: the file of the overlay does not set SERVING_ALIASES in one place.
    """
    alias = f"release-{version}"
    client.set_registered_model_alias(model, alias, version)
    path = overlay()
    if not path.exists():
        return f"{path} is missing, so no cluster follows to {alias}"
    text = path.read_text(encoding="utf-8")
    models = Served.load().models
    changed, found = SETTING.subn(lambda match: with_default(match[0], model, alias, models), text)
    if found != 1:
        raise UserError(f"{path} must set SERVING_ALIASES once, not {found} times: the servers follow no promotion")
    if changed == text:
        if not git("ls-files", "--", path.as_posix()) or git("status", "--porcelain", "--", path.as_posix()):
            return ""
        return f"{path} has {alias} in this commit already: `git pull`, and if that changes it, run this again"
    write_text(changed, path)
    return f"{path} serves {alias}: commit and push it, and the cluster follows"


def overlay() -> Path:
    """Return the file that sets which aliases the environment serves."""
    return OVERLAYS / Governance.load().environment / "image" / "kustomization.yaml"


def with_default(setting: str, model: str, alias: str, models: Sequence[str]) -> str:
    """Return a value of SERVING_ALIASES in which the default alias of a model is replaced, and all others stay.

    `client.aliases_of` describes its entries. One model needs no name.
    """
    aliases = {each: aliases_of(each, setting.split(",")) for each in models}
    if model in aliases:
        aliases[model] = [alias, *aliases[model][1:]]
    named = [(each, found) for each, all_of_it in aliases.items() for found in all_of_it]
    return ",".join(found if len(models) == 1 else f"{each}@{found}" for each, found in named)
