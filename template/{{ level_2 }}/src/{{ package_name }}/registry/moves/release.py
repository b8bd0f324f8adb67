# Managed by copier-mlops: an update merges with your edits.
"""A version that becomes the champion gets an alias of its own, `release-N`, and the environment serves that alias.

So a promotion is a change in Git, which the cluster rolls out step by step: docs/decisions/0022-*.
"""

import re
from pathlib import Path

from mlflow import MlflowClient

from ...core.errors import UserError
from ..governance import Governance

OVERLAYS = Path("deploy/overlays")
SETTING = re.compile(r"(?<=SERVING_ALIASES=)\S+")


def follow(client: MlflowClient, model: str, version: str) -> str:
    """Set the alias `release-N` of a version, write it to the overlay of the environment, and return what is to be done.

    Raises:
        UserError: the file of the overlay does not set SERVING_ALIASES in one place.
    """
    alias = f"release-{version}"
    client.set_registered_model_alias(model, alias, version)
    path = OVERLAYS / Governance.load().environment / "image" / "kustomization.yaml"
    if not path.exists():
        return f"{path} is missing, so no cluster follows to {alias}"
    text = path.read_text(encoding="utf-8")
    changed, found = SETTING.subn(alias, text)
    if found != 1:
        raise UserError(f"{path} must set SERVING_ALIASES once, not {found} times: the servers follow no promotion")
    if changed == text:
        return ""
    path.write_text(changed, encoding="utf-8", newline="")
    return f"{path} serves {alias}: commit and push it, and the cluster follows"
