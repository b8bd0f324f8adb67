# Managed by copier-mlops: an update merges with your edits.
"""Signs the files of a model, and verifies them before any of them is loaded, by `model-signing` of the OpenSSF.

The signature is a file beside the others.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationInfo, field_validator

from .errors import UserError
from .io import atomic_write
from .settings import Settings

if TYPE_CHECKING:
    from model_signing.verifying import Config

SIGNATURE = "model.sig"  # in the folder of a registered model
VARIABLE, TOKEN = "env://", "pkcs11:"  # what a private key starts with that is no file


class Signing(Settings, env_prefix="SIGNING_"):
    """The schema of `config/signing.yaml`."""

    required: bool
    method: Literal["key", "sigstore"]
    private_key: str
    public_keys: Path
    identity: str
    issuer: str

    @field_validator("identity", "issuer")
    @classmethod
    def _complete(cls, text: str, known: ValidationInfo) -> str:
        if known.data.get("method") == "sigstore" and not text:
            raise ValueError("method sigstore needs it, since anyone can sign with an identity of their own")
        return text

    def sign(self, folder: Path) -> str:
        """Sign all files in a folder, in place of an earlier signature, and return who signed them.

        Raises:
            UserError: the private key is missing, or its public key is not accepted, or Sigstore is not reached.
        """
        from model_signing import hashing, signing

        (path := folder / SIGNATURE).unlink(missing_ok=True)
        with _in_one_line("the model cannot be signed"), self._key_file() as key:
            config = signing.Config().set_hashing_config(hashing.Config().set_ignored_paths(paths=[path]))
            if self.method == "sigstore":
                config.use_sigstore_signer(use_ambient_credentials="CI" in os.environ)
            elif self.private_key.startswith(TOKEN):
                config.use_pkcs11_signer(pkcs11_uri=self.private_key)
            else:
                config.use_elliptic_key_signer(private_key=key)
            config.sign(folder, path)
        return self.verify(folder)

    def verify(self, folder: Path) -> str:
        """Verify that one whose signature counts signed all files in a folder, and no others are there; return who.

        Raises:
            UserError: they are not signed, or by someone else, or were changed since.
        """
        if not (path := folder / SIGNATURE).exists():
            raise UserError("it is not signed")
        reason = f"none of the keys in {self.public_keys} signed it"
        for name, config in self._signers():
            try:
                config.verify(folder, path)
            except Exception as error:  # noqa: BLE001 - of several libraries; each of them refuses
                if "Key mismatch" not in str(error):
                    reason = " ".join(str(error).split())[:200] or type(error).__name__
            else:
                return name
        raise UserError(reason)

    def _signers(self) -> Iterator[tuple[str, "Config"]]:
        """Yield whose signature counts, and what verifies it."""
        from model_signing.verifying import Config

        if self.method == "sigstore":
            yield self.identity, Config().use_sigstore_verifier(identity=self.identity, oidc_issuer=self.issuer)
        else:
            for key in sorted(self.public_keys.glob("*.pem")):
                yield key.name, Config().use_elliptic_key_verifier(public_key=key)

    @contextmanager
    def _key_file(self) -> Iterator[Path]:
        """Yield the file of the private key, which is made at the first use; one in a variable is a file meanwhile only."""
        if self.private_key.startswith(VARIABLE):
            with TemporaryDirectory() as folder:
                (path := Path(folder, "key.pem")).write_text(os.environ[self.private_key.removeprefix(VARIABLE)])
                yield path
            return
        path = Path(self.private_key)
        if self.method == "key" and not self.private_key.startswith(TOKEN) and not path.exists():
            if any(self.public_keys.glob("*.pem")):
                raise UserError(
                    f"{path} is missing: get it from your team, or `uv run poe sign --new-key` makes another"
                )
            print(f"  {self.new_key()}")
        yield path

    def new_key(self) -> str:
        """Make a pair of keys, and return a message; public keys that are there keep counting.

        Raises:
            UserError: there is a private key already, or it is not in a file.
        """
        from cryptography.hazmat.primitives import serialization as form
        from cryptography.hazmat.primitives.asymmetric import ec

        path, key = Path(self.private_key), ec.generate_private_key(ec.SECP256R1())
        if self.method != "key" or path.exists() or self.private_key.startswith((VARIABLE, TOKEN)):
            raise UserError(f"{self.private_key} stays: move it away first, or name another file in {self.path()}")
        numbers = (int(found.stem) for found in self.public_keys.glob("*.pem") if found.stem.isdigit())
        public = self.public_keys / f"{max(numbers, default=0) + 1}.pem"
        private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        for file, text in {
            path: private,
            public: key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo),
        }.items():
            with atomic_write(file) as temporary:
                temporary.touch(mode=0o600 if file == path else 0o644)
                temporary.write_bytes(text)
        return f"{path} is new and in no commit: keep a copy in a safe place. Commit {public}, by which servers verify"


@contextmanager
def _in_one_line(problem: str) -> Iterator[None]:
    """Name a problem in one line, with the reason.

    Raises:
        UserError: the block failed.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{problem}: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
