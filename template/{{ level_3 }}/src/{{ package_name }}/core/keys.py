# Managed by copier-mlops: an update merges with your edits.
"""Private keys in files that no other user can read."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .io import atomic_write


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a private key."""
    return ec.generate_private_key(ec.SECP384R1())


def write_key(key: ec.EllipticCurvePrivateKey, path: Path, form: PrivateFormat = PrivateFormat.PKCS8) -> None:
    """Write a private key to a file: after the public part, so that an interrupted pair can be made again."""
    with atomic_write(path) as temporary:
        temporary.touch(0o600)
        temporary.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
