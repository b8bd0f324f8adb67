"""Servers that stand in for the storage of Amazon, Google and Microsoft, and what clients need to use them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer

from harness.projects import nobody_listens
from harness.server import background, eventually

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
    with background(command, folder / "storage.log"):
        eventually(f"an answer of {command[0]}", lambda: responds(address))
        yield


@contextmanager
def amazon(*buckets: str) -> Iterator[Storage]:
    """Start a server of Amazon's API with buckets."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    try:
        urlopen(Request(f"{address}/moto-api/reset", method="POST")).close()  # all servers of a process have one state
        for bucket in buckets:
            urlopen(Request(f"{address}/{bucket}", method="PUT")).close()
        yield Storage(address, {"AWS_ENDPOINT_URL": address, **keys})
    finally:
        server.stop()


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
