"""A Docker Engine of the tests' own, and stand-ins for the images that would come from a registry."""

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from harness.projects import nobody_listens
from harness.server import Server, eventually, listens
from harness.template import Project

# What has to be there to start one, and to make a stand-in.
PROGRAMS = ["docker", "dockerd", "containerd", "runc", "mmdebstrap", "uv"]
# As compose.yaml and Kubernetes run the server; it shares the network of this machine, where the tests' MLflow is.
RESTRICTED = ["--network=host", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# How this machine reaches the package index, if not as others do.
INDEX = ["UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]


@dataclass(frozen=True)
class Engine:
    """A Docker Engine that runs."""

    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment in which Docker's command uses it."""
        return {"DOCKER_HOST": f"unix://{self.folder}/docker.sock", "DOCKER_BUILDKIT": "1"}

    def docker(self, *arguments: str | Path, rc: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run Docker's command; fail unless it exits with `rc` (None: anything goes)."""
        command = ["docker", *map(str, arguments)]
        environment = {**os.environ, **self.variables}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert rc in {None, done.returncode}, f"`{' '.join(command)}`:\n{done.stdout}\n{done.stderr}"
        return done

    def inspect(self, image: str) -> dict[str, Any]:
        """Return what is known of an image or a container."""
        (found,) = json.loads(self.docker("inspect", image).stdout)
        return found

    def listens(self) -> bool:
        """Return whether it responds."""
        return self.docker("version", rc=None).returncode == 0

    @contextmanager
    def serving(self, project: Project, image: str, **variables: str) -> Iterator[Server]:
        """Run the image of a project as restricted as in Kubernetes, as the container `server`."""
        url = nobody_listens()
        variables["PORT"] = str(urlsplit(url).port)
        settings = [f"--env={name}={value}" for name, value in variables.items()]
        command = ["docker", "run", "--name=server", *RESTRICTED, *settings, image]
        with (project.path / "serve.log").open("wb") as log:
            process = subprocess.Popen(command, env={**os.environ, **self.variables}, stdout=log, stderr=log)
        server = Server(project, process, url)
        try:
            eventually("a server", lambda: process.poll() is not None or listens(server))
            assert process.poll() is None, server.log
            yield server
        finally:
            self.docker("rm", "--force", "server")
            process.wait()


@contextmanager
def engine() -> Iterator[Engine]:
    """Start a Docker Engine with no network of its own, and yield it."""
    with in_memory() as folder:
        socket, data, run, pid = (f"{folder}/{name}" for name in ("docker.sock", "data", "run", "pid"))
        command = [
            "dockerd",
            f"--host=unix://{socket}",
            f"--data-root={data}",
            f"--exec-root={run}",
            f"--pidfile={pid}",
        ]
        command += ["--bridge=none", "--iptables=false"]
        # No more than this machine has: it may not be allowed to raise its limits.
        command += ["--default-ulimit=nofile=1024:1024", "--default-ulimit=nproc=4096:4096"]
        log = folder / "log"
        with log.open("w") as printed, subprocess.Popen(command, stdout=printed, stderr=printed) as process:
            started = Engine(folder)
            try:
                eventually("an engine", lambda: process.poll() is not None or started.listens())
                assert process.poll() is None, log.read_text()
                yield started
            finally:
                process.terminate()


@contextmanager
def in_memory() -> Iterator[Path]:
    """Yield a folder in memory: an engine writes and deletes 100,000 files, which takes minutes on a disk."""
    with TemporaryDirectory(prefix="docker") as name:  # not in pytest's folder: the paths of sockets must be short
        subprocess.run(["mount", "-t", "tmpfs", "docker", name], check=True)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


def import_stand_ins(started: Engine, dockerfile: str) -> None:
    """Give the engine the two images that a Dockerfile builds from, under their own names."""
    uv, python = re.findall(r"^FROM (\S+/\S+)", dockerfile, re.MULTILINE)
    archive = started.folder / "uv.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(os.environ.get("UV") or Path(shutil.which("uv") or "").resolve(), "uv")
    started.docker("import", archive, uv)
    settings = {name: os.environ[name] for name in INDEX if name in os.environ}
    archive = started.folder / "python.tar"
    make_python(archive, suite=python.rpartition("-")[2])
    changes = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SSL_CERT_FILE": CERTIFICATES, **settings}
    started.docker("import", *(f"--change=ENV {name}={value}" for name, value in changes.items()), archive, python)


def make_python(archive: Path, suite: str) -> None:
    """Write the smallest Debian that has Python: Debian's own version, and what this machine trusts."""
    hooks = ['ln -s /usr/bin/python3 "$1/usr/local/bin/python"']
    if trusted := os.environ.get("SSL_CERT_FILE"):
        hooks.append(f'cp "{trusted}" "$1{CERTIFICATES}"')
    make_debian(archive, suite, ["python3", "ca-certificates"], hooks)


def make_debian(archive: Path, suite: str, packages: list[str], hooks: list[str]) -> None:
    """Write the smallest Debian that has some packages, after commands in which its folder is `$1`."""
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("doc", "man", "locale")]
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(packages)}", *left_out]
    command += [*(f"--customize-hook={hook}" for hook in hooks), suite, str(archive)]
    environment = {**os.environ, "TMPDIR": str(archive.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
