"""Servers that stand for the storage of Google and Microsoft, and what clients need to use them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from harness.projects import nobody_listens
from harness.server import eventually

ACCOUNT = "devstoreaccount1"
# The key of this account is public: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Storage:
    """A server, and the environment in which clients use it."""

    address: str
    variables: dict[str, str]


def responds(address: str) -> bool:
    """Return whether a server responds, whatever it responds."""
    try:
        urlopen(address).close()
    except HTTPError:
        return True
    except URLError:
        return False
    return True


@contextmanager
def started(command: list[str | Path], address: str, folder: Path) -> Iterator[None]:
    """Run a server until the end, and wait until it responds."""
    with (folder / "storage.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            eventually(f"an answer of {command[0]}", lambda: responds(address))
            yield
        finally:
            process.kill()  # it keeps nothing
            process.wait()


@contextmanager
def google(folder: Path, bucket: str) -> Iterator[Storage]:
    """Start an emulator of Google Cloud Storage with a bucket."""
    address = nobody_listens()
    port = address.rpartition(":")[2]
    program = Path(sys.executable).with_name("gcp-storage-emulator")
    options = ["--host", "127.0.0.1", "--port", port, "--in-memory", "--default-bucket", bucket]
    with started([program, "start", *options], address, folder):
        yield Storage(address, {"STORAGE_EMULATOR_HOST": address})


@contextmanager
def microsoft(azurite: str, folder: Path) -> Iterator[Storage]:
    """Start Azurite, the emulator of Azure Blob Storage."""
    address = nobody_listens()
    port = address.rpartition(":")[2]
    options = ["--silent", "--skipApiVersionCheck", "--blobPort", port, "--location", folder]
    connection = {
        "DefaultEndpointsProtocol": "http",
        "AccountName": ACCOUNT,
        "AccountKey": KEY,
        "BlobEndpoint": f"{address}/{ACCOUNT}",
    }
    variables = {
        "AZURE_STORAGE_ACCOUNT": ACCOUNT,
        "AZURE_STORAGE_CONNECTION_STRING": ";".join(f"{name}={value}" for name, value in connection.items()),
    }
    with started([azurite, *options], address, folder):
        yield Storage(address, variables)
