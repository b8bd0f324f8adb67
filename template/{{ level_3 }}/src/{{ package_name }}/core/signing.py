# Managed by copier-mlops: an update merges with your edits.
"""Signs the files of a model, and verifies them before any is loaded, by `model-signing` of the OpenSSF."""

import os
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pydantic import ValidationInfo, field_validator

from .errors import UserError
from .io import write_text
from .settings import Settings

SIGNATURE = "model.sig"  # beside the files of a registered model
UNSIGNED = [SIGNATURE, "registered_model_meta"]  # MLflow adds the latter to each download
KEY_TEXT = "SIGNING_KEY"  # variable with the text of the private key, where there is no file


class Signing(Settings, env_prefix="SIGNING_"):
    """The schema of `config/signing.yaml`."""

    required: bool
    method: Literal["key", "sigstore"]
    private_key: Path
    public_keys: Path
    identity: str
    issuer: str

    @field_validator("identity", "issuer")
    @classmethod
    def _complete(cls, text: str, known: ValidationInfo) -> str:
        if known.data.get("method") == "sigstore" and not text:
            raise ValueError("method sigstore needs it: anyone can sign with an identity of their own")
        return text

    def sign(self, folder: Path) -> str:
        """Sign all files in a folder, in place of an earlier signature, and return who signed them.

        Raises:
            UserError: there is no private key, its public key is not accepted, or Sigstore refuses or is not reached.
        """
        from model_signing import hashing, signing

        (path := folder / SIGNATURE).unlink(missing_ok=True)
        config = signing.Config().set_hashing_config(
            hashing.Config().set_ignored_paths(paths=[folder / one for one in UNSIGNED])
        )
        with TemporaryDirectory() as private:
            key = self._key(Path(private)) if self.method == "key" else None
            try:
                if key:
                    config.use_elliptic_key_signer(private_key=key)
                else:
                    config.use_sigstore_signer(use_ambient_credentials="CI" in os.environ)
                config.sign(folder, path)
            except Exception as error:
                raise UserError(f"the model cannot be signed: {_line(error)}") from error
        return self.verify(folder)

    def verify(self, folder: Path) -> str:
        """Verify that all files in a folder, and no others, were signed by one whose signature counts; return who.

        Raises:
            UserError: they are not signed, or by someone else, or were changed since.
        """
        from model_signing.verifying import Config

        if not (path := folder / SIGNATURE).exists():
            raise UserError("it is not signed")
        keys = sorted(self.public_keys.glob("*.pem")) if self.method == "key" else [None]
        reason = f"none of the keys in {self.public_keys} signed it"
        for key in keys:
            try:
                if key:
                    config = Config().use_elliptic_key_verifier(public_key=key)
                else:
                    config = Config().use_sigstore_verifier(identity=self.identity, oidc_issuer=self.issuer)
                config.verify(folder, path)
            except Exception as error:  # noqa: BLE001 - of several libraries
                reason = reason if "Key mismatch" in str(error) else _line(error)
            else:
                return key.name if key else self.identity
        raise UserError(reason)

    def new_key(self) -> str:
        """Make a pair of keys, and return a message; public keys that are there keep counting.

        Raises:
            UserError: there is a private key already.
        """
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        from .keys import new_key, write_key

        if self.private_key.exists():
            raise UserError(f"{self.private_key} stays: move it away first")
        public = next(path for number in count(1) if not (path := self.public_keys / f"{number}.pem").exists())
        key = new_key()
        write_text(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), public)
        write_key(key, self.private_key)
        return f"{self.private_key} is new and in no commit: keep a copy in a safe place. Commit {public}: servers verify by it"

    def _key(self, folder: Path) -> Path:
        """Return the file of the private key, which is made if there is no key at all yet."""
        if text := os.environ.get(KEY_TEXT):
            (path := folder / "key.pem").write_text(text, encoding="utf-8")
            return path
        if not self.private_key.exists():
            if any(self.public_keys.glob("*.pem")):
                raise UserError(
                    f"{self.private_key} is missing: get it from your team, or run `uv run poe sign --new-key`"
                )
            print(f"  {self.new_key()}")
        return self.private_key


def _line(error: Exception) -> str:
    reason = " ".join(str(error).partition(": Expected")[0].split())  # without the hashes
    return reason.translate(dict.fromkeys(map(ord, "[]\\\"'")))[:200] or type(error).__name__
