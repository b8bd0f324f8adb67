# Managed by copier-mlops: an update merges with your edits.
"""Signs a model before it is registered."""

from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow.models.model import ModelInfo

from ...core.signing import SIGNATURE, Signing
from .. import runs


def prepare(model: ModelInfo) -> dict[str, str]:
    """Add a signature of all its files to a logged model, if `config/signing.yaml` requires one, and return who signed."""
    if not (settings := Signing.load()).required:
        return {}
    with TemporaryDirectory() as folder:
        signer = settings.sign(path := runs.download(model, Path(folder)))
        runs.add_file(model, path / SIGNATURE)
    return {"signed_by": signer}
