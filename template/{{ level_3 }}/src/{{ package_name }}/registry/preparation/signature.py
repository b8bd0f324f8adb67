# Managed by copier-mlops: an update merges with your edits.
"""Signs a model before it is registered."""

import tempfile
from pathlib import Path

from mlflow.models.model import ModelInfo

from ...core.signing import SIGNATURE, Signing
from .. import runs


def prepare(model: ModelInfo) -> dict[str, str]:
    """Add a signature of all its files to a logged model, and return who signed it; nothing if none is required.

    Raises:
        UserError: it cannot be signed.
    """
    if not (settings := Signing.load()).required:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = runs.download(model, Path(folder))
        signer = settings.sign(path)
        runs.add_file(model, path / SIGNATURE)
    print(f"  signed by {signer}", flush=True)
    return {"signed_by": signer}
