#!/usr/bin/python3
"""A stand-in for uv in a pod that clones the project: `poe` runs nothing, but tells what the task was given."""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

FAILS_ONCE = "train"
PORT = 9109  # of remediation


def facts(**more: object) -> dict[str, object]:
    """Return what a task sees of its pod, and more."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return {"commit": head.stdout.strip(), "user": os.getuid(), "variables": dict(os.environ), **more}


def remote_stage(stage: str, into: Path, archives: list[str]) -> None:
    """Write what a stage was given where its archive would be; one of them fails before that when it runs for the first time."""
    tried = into.with_name("tried")
    if stage == FAILS_ONCE and not tried.exists():
        tried.touch()
        sys.exit(1)
    given = sorted(Path(path).name.removesuffix(".tar.gz") for path in archives)
    into.write_text(json.dumps(facts(stage=stage, given=given)))


def remediate() -> None:
    """Serve what it was given, the token among it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = Path(os.environ["REMEDIATION_TOKEN_FILE"]).read_text()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(facts(token=token)).encode())

    HTTPServer(("0.0.0.0", PORT), Handler).serve_forever()


if __name__ == "__main__" and sys.argv[1] == "run":
    match sys.argv[sys.argv.index("poe") + 1 :]:
        case ["remote-stage", "--stage", stage, "--into", into, *archives]:
            remote_stage(stage, Path(into), archives)
        case ["remediate", "--host", "0.0.0.0"]:
            remediate()
        case [task]:
            print(json.dumps(facts(task=task)))
        case other:
            sys.exit(f"unknown: {other}")
