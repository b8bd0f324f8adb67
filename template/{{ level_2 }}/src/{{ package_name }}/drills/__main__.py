# Managed by copier-mlops: an update merges with your edits.
"""Run drills in one copy of the project and write their evidence: `poe drill NAME`."""

import argparse
import pkgutil
from importlib import import_module

from ..core.errors import exit_on_user_error
from ..core.io import write_json
from ..core.paths import REPORTS
from . import Evidence
from . import __path__ as folder
from .harness.sandbox import sandbox


def main() -> None:
    """Run the named drills; exit with code 1 if a fault was not recovered from."""
    found = (each.name for each in pkgutil.iter_modules(folder) if not each.ispkg and each.name != "__main__")
    modules = {name.replace("_", "-"): name for name in sorted(found)}
    parser = argparse.ArgumentParser(prog="poe drill", description="Cause a fault in a copy of this project.")
    parser.add_argument("names", choices=modules, nargs="+", metavar="NAME", help=", ".join(modules))
    drills = {name: import_module(f".{modules[name]}", __package__).main for name in parser.parse_args().names}
    with exit_on_user_error("drill"):
        with sandbox():
            done = {name: drill() for name, drill in drills.items()}
        failed = [name for name, evidence in done.items() if not _report(name, evidence)]
    raise SystemExit(bool(failed))


def _report(name: str, evidence: Evidence) -> bool:
    """Write and print the evidence of a drill, and return whether the fault was recovered from."""
    path = REPORTS / "drills" / f"{name}.json"
    write_json(evidence.model_dump(mode="json"), path)
    print(f"  fault: {evidence.fault}\n  decision: {evidence.decision}\n  action: {evidence.action}")
    print(f"drill {name}: {'recovered' if evidence.recovered else 'NOT RECOVERED'}, see {path}")
    return evidence.recovered


if __name__ == "__main__":
    main()
