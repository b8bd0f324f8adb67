#!/usr/bin/python3
"""A stand-in for uv in a step of a pipeline: the archive for the steps after it says what the step was given."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

FAILS_ONCE = "train"


def run(stage: str, archives: list[Path], into: Path) -> None:
    """Write what a stage was given; one of them fails before that when it runs for the first time."""
    tried = into.with_name("tried")
    if stage == FAILS_ONCE and not tried.exists():
        tried.touch()
        sys.exit(1)
    head = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    facts = {
        "stage": stage,
        "given": sorted(path.name.removesuffix(".tar.gz") for path in archives),
        "commit": head.stdout.strip(),
        "tracking": os.environ["MLFLOW_TRACKING_URI"],
        "user": os.getuid(),
    }
    into.write_text(json.dumps(facts))


if __name__ == "__main__" and sys.argv[1] != "sync":
    parser = argparse.ArgumentParser()
    parser.add_argument("archives", nargs="*", type=Path)
    parser.add_argument("--stage")
    parser.add_argument("--into", type=Path)
    found = parser.parse_args(sys.argv[sys.argv.index("remote-stage") + 1 :])
    run(found.stage, found.archives, found.into)
