# Managed by copier-mlops: an update merges with your edits.
"""Keys of sites, and the certificate of the coordinator, by which sites recognize it."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat

from ..core.errors import UserError
from ..core.io import require, write_text
from ..core.keys import new_key, write_key

VALID = timedelta(days=365)
CERTIFICATE, SERVER_KEY = "coordinator.pem", "coordinator.key"


def make_site(folder: Path, name: str) -> Path:
    """Make the pair of keys of a site, and return the path of the public one.

    Raises:
        UserError: it has a private key already.
    """
    if (private := folder / f"{name}.key").exists():
        raise UserError(f"{private} stays: move it away first")
    public, key = folder / f"{name}.pub", new_key()
    write_text(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(), public)
    write_key(key, private, PrivateFormat.OpenSSH)
    return public


def make_certificate(folder: Path, host: str) -> Path:
    """Make key and certificate of the coordinator at a host, and return the path of the certificate."""
    key, now = new_key(), datetime.now(UTC)
    try:
        own: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        own = x509.DNSName(host)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "coordinator")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([*{own, here}]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA384())
    )
    write_text(certificate.public_bytes(Encoding.PEM).decode(), path := folder / CERTIFICATE)
    write_key(key, folder / SERVER_KEY)
    return path


def certificate_in(folder: Path) -> Path:
    """Return the path of the certificate.

    Raises:
        UserError: it is missing or has expired.
    """
    path = require(folder / CERTIFICATE, "federate keys")
    if (until := x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc) < datetime.now(UTC):
        raise UserError(f"{path} expired on {until:%Y-%m-%d}: `uv run poe federate keys` makes another for all sites")
    return path
