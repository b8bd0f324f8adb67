# Managed by copier-mlops: an update merges with your edits.
"""Evaluates the policies in a folder. `regopy` ends the process at `with input as`, so it has one of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from .errors import UserError


def evaluate(policies: Path, query: str, given: Any) -> Any:
    """Return what a query of all `*.rego` files in a folder gives for an input.

    Raises:
        UserError: a policy has an error, or nothing defines what is queried.
    """
    command = [sys.executable, "-m", __name__, str(policies), query]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        reason = " ".join(done.stderr.split())[-300:] or f"regopy ended with code {done.returncode}"
        raise UserError(f"{policies}/*.rego cannot be evaluated: {reason}")
    return json.loads(done.stdout)


def main() -> None:
    """Print the result as JSON; the input is JSON, too."""
    from regopy import Interpreter

    interpreter = Interpreter()
    for path in sorted(Path(sys.argv[1]).glob("*.rego")):
        interpreter.add_module(path.name, path.read_text(encoding="utf-8"))
    interpreter.set_input(json.load(sys.stdin))
    found = str(interpreter.query(sys.argv[2]))
    (result,) = json.loads(found)["expressions"] if found.startswith("{") else sys.exit(f"{sys.argv[2]}: {found}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
