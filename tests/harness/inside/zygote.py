"""Run commands in forks of this process, which imports what earlier forks have imported: DESCRIPTOR OF A SOCKET.

Each request is a line of JSON: what to run, where its output goes, and the environment and folder to run it in. The
response is a line with exit code and CPU time. Modules of the project itself are imported by each fork, as they are then.
"""

import atexit
import json
import os
import runpy
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from importlib import import_module, invalidate_caches

known: dict[str, None] = {}  # modules that forks have imported, in that order
variables: dict[str, str] = {}  # what they set for themselves, before they imported some of them


def serve(connection: socket.socket) -> None:
    """Run what is requested, one after the other, until the other end is closed."""
    with connection.makefile("rw", encoding="utf-8") as lines:
        for line in lines:
            lines.write(json.dumps(run(json.loads(line))) + "\n")
            lines.flush()


def run(request: dict) -> tuple[int, float]:
    """Run a request in a fork, return exit code and CPU time, and keep the names of what it has imported."""
    started = time.process_time()
    import_known()
    reader, writer = os.pipe()
    if not (child := os.fork()):
        os.close(reader)
        become(request, writer)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        learned = json.loads(pipe.read() or "{}")
    known.update(dict.fromkeys(learned.get("modules", [])))
    variables.update(learned.get("variables", {}))
    _, status, used = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), time.process_time() - started + used.ru_utime + used.ru_stime


def import_known() -> None:
    """Import what forks imported before: not earlier, because most processes run one command."""
    os.environ.update(variables)
    for name in known:
        if name not in sys.modules:
            with suppress(Exception):
                import_module(name)


def become(request: dict, report: int) -> None:
    """Be the process that was requested, and end."""
    imported = {**os.environ}
    os.chdir(request["folder"])
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, request["stdout"], os.O_WRONLY | os.O_APPEND),
        (2, request["stderr"], os.O_WRONLY | os.O_APPEND),
    ):
        os.dup2(os.open(path, flags), descriptor)
    os.environ.clear()
    os.environ.update(request["variables"])
    invalidate_caches()
    code = execute(request)
    with suppress(Exception):
        threading._shutdown()
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    learned = {
        # a copy: a thread of a library may still import
        "modules": [name for name in [*sys.modules] if not is_of(name, request["package"])],
        "variables": {
            name: value
            for name, value in os.environ.items()
            if name not in request["variables"] and name not in imported
        },
    }
    with os.fdopen(report, "w", encoding="utf-8") as parent:
        json.dump(learned, parent)
    os._exit(code)


def is_of(name: str, package: str) -> bool:
    """Return whether a module is the project's own, or what was run."""
    return name.partition(".")[0] in {package, "__main__", "__mp_main__"}


def execute(request: dict) -> int:
    """Run a module or a script as Python does, and return the exit code."""
    sys.argv = ["", *request["arguments"]]
    try:
        if "module" in request:
            sys.path[0] = request["folder"]
            runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        else:
            sys.argv[0] = request["script"]
            sys.path[0] = os.path.dirname(request["script"])
            runpy.run_path(request["script"], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:  # noqa: BLE001, as Python itself ends with it
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
