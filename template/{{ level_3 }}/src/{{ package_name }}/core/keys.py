# Managed by copier-mlops: an update merges with your edits.
"""Private keys in files that no other user can read."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .io import atomic_write


def write_key(path: Path, form: PrivateFormat = PrivateFormat.PKCS8) -> ec.EllipticCurvePrivateKey:
    """Make a private key and write it to a file."""
    key = ec.generate_private_key(ec.SECP384R1())
    with atomic_write(path) as temporary:
        temporary.touch(0o600)
        temporary.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    return key
