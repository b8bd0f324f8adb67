"""Run commands, keep what a kill would leave before each write, run them again from there, and print what differs.

MODEL PACKAGE COMMANDS: as JSON, module and arguments of each, and a pattern of the writes to try; they follow each other.
"""

import builtins
import contextlib
import io
import json
import os
import re
import runpy
import shutil
import sys
import traceback
import warnings
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from mlflow import MlflowClient
from sqlalchemy.engine.default import DefaultDialect

KEPT = ("audit.db*", "mlflow.db*", "data", "deploy", "dvc.yaml", "reports", "*.csv")
model, package, commands = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
root, places = f"{Path.cwd()}/", Path(mkdtemp())
STORES = {f"{root}{folder}" for folder in (".venv/", ".git/", ".dvc/", "mlruns/")}


def keep(place: Path) -> None:
    """Copy what commands change."""
    for path in (path for pattern in KEPT for path in Path().glob(pattern)):
        copy = shutil.copytree if path.is_dir() else shutil.copyfile
        copy(path, place / path)


def restore(place: Path) -> None:
    """Bring it back as it was."""
    for path in (path for pattern in KEPT for path in Path().glob(pattern)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(place, ".", dirs_exist_ok=True)


class Watched:
    """Keeps what is there before each write of a process to its folder or to a database."""

    def __init__(self, name: str, pattern: str) -> None:
        self.name, self.pattern, self.last, self.kept, self.busy = name, pattern, "start", 0, False

    def write(self, what: str) -> None:
        """Keep what is there, if the write is to be tried."""
        if self.busy:
            return
        self.busy, self.last, described = True, what, f"{what}, after {self.last}"
        if re.search(self.pattern, described):
            self.kept += 1
            place = places / f"{self.name}-{self.kept}"
            place.mkdir()
            keep(place)
            place.with_suffix(".txt").write_text(described)
        self.busy = False

    def is_here(self, path: Any) -> bool:
        """Return whether a path is in the project, and of the project's own code."""
        whole = os.path.abspath(os.fsdecode(path)) if not isinstance(path, int) else ""
        return whole.startswith(root) and not any(whole.startswith(store) for store in STORES)

    def watch(self) -> None:
        """Begin."""
        opened, renamed, committed = io.open, os.replace, DefaultDialect.do_commit

        def open_(file: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
            result = opened(file, mode, *arguments, **keywords)
            if "w" in mode and self.is_here(file):
                self.write(f"content of {file}")
            return result

        def replace(source: Any, target: Any, **keywords: Any) -> None:
            if self.is_here(target):
                self.write(f"rename to {target}")
            renamed(source, target, **keywords)

        def commit(dialect: Any, connection: Any) -> None:
            if connection.in_transaction:  # it has changed something
                (_, _, database) = connection.execute("pragma database_list").fetchone()
                self.write(f"commit to {Path(database).name}")
            committed(dialect, connection)

        io.open = builtins.open = open_
        os.replace, DefaultDialect.do_commit = replace, commit


def run(module: str, *arguments: str, watched: Watched | None = None) -> tuple[int, str]:
    """Run a command in a fork, and return exit code and output."""
    with (places / "printed").open("w+b") as printed:
        if not (child := os.fork()):
            os.dup2(printed.fileno(), 1)
            os.dup2(printed.fileno(), 2)
            code = 1
            try:
                if watched:
                    watched.watch()
                sys.argv = ["", *arguments]
                runpy.run_module(f"{package}.{module}".rstrip("."), run_name="__main__", alter_sys=True)
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(bool(end.code))
            except BaseException:  # noqa: BLE001, as Python itself ends with it
                traceback.print_exc()
            sys.stdout.flush()
            os._exit(code)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        printed.seek(0)
        return status, printed.read().decode()


def found() -> dict[str, Any]:
    """Return what is there: registry, audit log, overlays, pipeline, and the rows of tables."""
    audit, log, client = (import_module(f"{package}.registry.{name}") for name in ("audit", "audit_log", "client"))
    with client.connected():
        registered = MlflowClient().get_registered_model(model)
        versions = MlflowClient().search_model_versions(f"name='{model}'")
    logged = [(one["event"], one["version"]) for one in log.entries()]
    tables = [path for path in Path("data").glob("*/*.parquet") if path.parent.name != "predictions"]
    return {
        "aliases": {alias: str(version) for alias, version in registered.aliases.items()},
        "tags": sorted(registered.tags),
        "versions": sorted((int(one.version), sorted(one.tags), bool(one.description)) for one in versions),
        "log": [event for event in logged if not event[0].endswith((" intended", " given up"))],
        "problems": audit.problems(),
        "texts": {str(path): path.read_text() for path in [Path("dvc.yaml"), *Path("deploy").rglob("*.yaml")]},
        "rows": {str(path): len(import_module("pandas").read_parquet(path)) for path in tables},
        "json": {str(path): bool(json.loads(path.read_text())) for path in Path("reports").rglob("*.json")},
        "csv": {str(path): len(path.read_text().splitlines()) for path in Path().glob("*.csv")},
    }


def seen() -> dict[str, Any]:
    """Return `found` of a fork, since this process never opens a database, and import what it has imported."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        with os.fdopen(writer, "w") as pipe, contextlib.redirect_stdout(sys.stderr):
            json.dump({"found": found(), "modules": [*sys.modules]}, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        report = json.loads(pipe.read())
    os.waitpid(child, 0)
    for name in report["modules"]:
        with contextlib.suppress(Exception):
            import_module(name)
    return report["found"]


for module, arguments, _ in commands:  # forks need not import it then
    import_module(f"{package}.{module or 'pipeline.stages.' + arguments[0]}")
warnings.filterwarnings("ignore", ".*found in sys.modules", RuntimeWarning)  # and run it nevertheless
results = []
for number, (module, arguments, pattern) in enumerate(commands):
    code, printed = run(module, *arguments, watched=Watched(str(number), pattern))
    assert code == 0, printed
    whole = seen()
    (after := places / f"{number}-after").mkdir()
    keep(after)
    for place in places.glob(f"{number}-*.txt"):
        restore(place.with_suffix(""))
        code, printed = run(module, *arguments)
        now = seen()
        differs = {name: [value, now[name]] for name, value in whole.items() if value != now[name]}
        results.append([[module, *arguments], place.read_text(), code, differs, printed])
    restore(after)
shutil.rmtree(places)
print(json.dumps(results))
