"""compose.yaml, run by Docker Compose. Stand-ins for the images of others run the programs of this machine."""

import json
import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import yaml

from harness.docker import Engine
from harness.server import Server, background, eventually, listens
from harness.template import Project, clean_environment

# Of Grafana there is neither an image nor a package here.
SERVICES = ["postgres", "store", "mlflow", "server", "prometheus"]
PORTS = {"mlflow": 5000, "server": 8080, "prometheus": 9090}
PROGRAMS = ["docker-proxy", "prometheus", "setpriv", "wget"]
LINKS = {"var/run": "/run", **{name: f"usr/{name}" for name in ("bin", "lib", "lib64", "sbin")}}
DRIVERS = ["boto3", "psycopg2-binary"]  # which MLflow's image has beside MLflow
FOLDERS = ["etc", "prometheus", "run/postgresql", "tmp", "usr", "var/lib/postgresql/data"]
USERS = "root:x:0:0::/:/bin/sh\npostgres:x:999:999::/:/bin/sh\n"
# What the images do at their start.
ENTRYPOINTS = {
    "postgres": """\
run="setpriv --reuid=999 --regid=999 --clear-groups"
cd /var/lib/postgresql/data
chown 999:999 . /run/postgresql
echo "$POSTGRES_PASSWORD" > /tmp/password
$run initdb --pgdata=. --encoding=UTF8 --auth=scram-sha-256 --username="$POSTGRES_USER" --pwfile=/tmp/password
echo "host all all all scram-sha-256" >> pg_hba.conf
echo "CREATE DATABASE $POSTGRES_USER" | $run postgres --single -D . postgres
exec $run postgres -D . -c listen_addresses='*'
""",
    "store": """\
python -m moto.server --host 0.0.0.0 --port 8333 &
for bucket in mlflow healthz; do # the second one is what the health check requests
  until wget --quiet --output-document=/dev/null --method=PUT http://127.0.0.1:8333/$bucket; do sleep 0.2; done
done
wait
""",
}


@dataclass(frozen=True)
class Stack:
    """The services that run for a project."""

    engine: Engine
    project: Project

    def compose(self, *arguments: str, rc: int | None = 0) -> str:
        """Run Docker Compose, and return what it printed."""
        return self.project.run("docker-compose", *arguments, rc=rc, **self.engine.variables).stdout

    def address(self, service: str) -> str:
        """Return where a service is published."""
        return "http://" + self.compose("port", service, str(PORTS[service])).strip()


@contextmanager
def stack(engine: Engine, project: Project, image: str) -> Iterator[tuple[Stack, Server]]:
    """Start the services with an image of the server, on free ports, and end them."""
    services = yaml.safe_load(project.text("compose.yaml"))["services"]
    python = {"mlflow": project.path / ".venv", "store": Path(sys.prefix)}
    (postgresql,) = Path("/usr/lib/postgresql").glob("*/bin")
    tools = Path(shutil.which("prometheus") or "").parent
    drivers = engine.folder / "drivers"
    project.run("uv", "pip", "install", "--quiet", "--target", drivers, *DRIVERS)
    mounts = sorted({"/usr", sys.base_prefix, *map(str, (*python.values(), tools, drivers))})
    override = ["services:"]
    for name in (name for name in SERVICES if "image" in services[name]):
        path = [postgresql, tools, *([python[name] / "bin"] if name in python else []), "/usr/bin", "/usr/sbin"]
        variables = {"PATH": ":".join(map(str, path)), **({"PYTHONPATH": str(drivers)} if name == "mlflow" else {})}
        import_stand_in(engine, services[name]["image"], variables, ENTRYPOINTS.get(name))
        override += [f"  {name}:", f"    volumes: {json.dumps([f'{each}:{each}:ro' for each in mounts])}"]
        if name in PORTS:
            override += [f"    ports: !override ['127.0.0.1::{PORTS[name]}']"]
    override += ["  server:", f"    image: {image}", "    ports: !override ['127.0.0.1::8080']"]
    (project.path / "compose.override.yaml").write_text("\n".join(override))
    (project.path / ".env").write_text("STACK_PASSWORD=secret\n")
    running = Stack(engine, project)
    command, log = ["docker-compose", "up", "--no-build", *SERVICES], project.path / "serve.log"
    environment = {**clean_environment(), **engine.variables}
    with background(command, log, cwd=project.path, env=environment) as process:
        try:
            created = ["ps", "--quiet", "server"]
            eventually("all services", lambda: process.poll() is not None or running.compose(*created, rc=None))
            assert process.poll() is None, log.read_text()
            server = Server(project, process, running.address("server"))
            eventually("the server", lambda: process.poll() is not None or listens(server))
            assert process.poll() is None, server.log
            yield running, server
        finally:
            running.compose("down", "--volumes", "--timeout", "2")


def import_stand_in(engine: Engine, name: str, variables: dict[str, str], entrypoint: str | None) -> None:
    """Give the engine an image that has nothing but links into the folder of programs that will be mounted."""
    archive = engine.folder / "stand-in.tar"
    with tarfile.open(archive, "w") as tar:

        def add(path: str, kind: bytes, content: bytes = b"", link: str = "", mode: int = 0o755) -> None:
            member = tarfile.TarInfo(path)
            member.type, member.size, member.linkname, member.mode = kind, len(content), link, mode
            tar.addfile(member, BytesIO(content))

        for folder in FOLDERS:
            add(folder, tarfile.DIRTYPE, mode=0o1777 if folder == "tmp" else 0o755)
        for link, target in LINKS.items():
            add(link, tarfile.SYMTYPE, link=target)
        add("etc/passwd", tarfile.REGTYPE, USERS.encode(), mode=0o644)
        add("entrypoint", tarfile.REGTYPE, f"#!/bin/sh\nset -eu\n{entrypoint}".encode())
    changes = [*(f"ENV {name}={value}" for name, value in variables.items()), "WORKDIR /prometheus"]
    changes += ['ENTRYPOINT ["/entrypoint"]'] if entrypoint else []
    engine.docker("import", *(f"--change={change}" for change in changes), archive, name)
