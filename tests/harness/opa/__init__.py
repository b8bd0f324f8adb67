"""Open Policy Agent, built from the Go module proxy at the version of `go.mod`, once for all runs."""

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness.cluster.binaries import run

FOLDER = Path(__file__).parent
PACKAGE = "github.com/open-policy-agent/opa"


def build(go: str) -> Path:
    """Return the program; if it is not in the user's cache, build it there, which takes minutes."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "copier-mlops" / "opa"
    versions = b"".join((FOLDER / name).read_bytes() for name in ("go.mod", "go.sum"))
    program = cache / hashlib.sha256(versions).hexdigest()[:16]
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(program.with_suffix(".lock")):
        if not program.exists():
            unfinished = program.with_suffix(".unfinished")
            run(go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(unfinished), PACKAGE, folder=FOLDER)
            unfinished.rename(program)
    return program


def evaluate(program: Path, policies: Path, evidence: Any) -> dict[str, Any]:
    """Return what the policies in a folder decide about evidence."""
    files = [argument for path in sorted(policies.glob("*.rego")) for argument in ("--data", path)]
    command = [program, "eval", "--format", "json", *files, "--stdin-input", "data.compliance"]
    done = subprocess.run(command, input=json.dumps(evidence), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
