"""Open Policy Agent, built from the Go module proxy at the version of `go.mod`, once for all runs."""

import json
import subprocess
from pathlib import Path
from typing import Any

from harness.cluster.binaries import build_module

FOLDER = Path(__file__).parent
PACKAGE = "github.com/open-policy-agent/opa"


def build(go: str) -> Path:
    """Return the program; if it is not in the user's cache, build it there, which takes minutes."""
    return build_module(go, FOLDER, PACKAGE)


def evaluate(program: Path, policies: Path, evidence: Any) -> dict[str, Any]:
    """Return what the policies in a folder decide about evidence."""
    files = [argument for path in sorted(policies.glob("*.rego")) for argument in ("--data", path)]
    command = [program, "eval", "--format", "json", *files, "--stdin-input", "data.compliance"]
    done = subprocess.run(command, input=json.dumps(evidence), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
