# Managed by copier-mlops: an update merges with your edits.
"""Run drills in one copy of the project and write their evidence: `poe drill NAME`."""

import argparse
import pkgutil
from datetime import UTC, datetime
from importlib import import_module

from ..core.errors import exit_on_user_error
from ..core.io import write_json
from ..core.lineage import git
from . import FOLDER, Evidence, NotRecoveredError, fault_of
from . import __path__ as folder
from .harness.sandbox import sandbox


def main() -> None:
    """Run the named drills; exit with code 1 if a fault was not recovered from."""
    modules = _modules()
    parser = argparse.ArgumentParser(prog="poe drill", description="Cause a fault in a copy of this project.")
    parser.add_argument("names", choices=modules, nargs="+", metavar="NAME", help=", ".join(modules))
    names, code, done = parser.parse_args().names, current_code(), dict[str, Evidence]()
    with exit_on_user_error("drill"):
        try:
            with sandbox():
                for name in names:
                    done[name] = _evidence(modules[name], code)
        finally:  # whatever ended the last one
            for name, evidence in done.items():
                report(name, evidence)
            from .harness import page  # which takes seconds

            page.write(faults(), "poe drill NAME")
    raise SystemExit(not all(evidence.recovered for evidence in done.values()))


def _modules() -> dict[str, str]:
    found = sorted(each.name for each in pkgutil.iter_modules(folder) if not each.ispkg and each.name != "__main__")
    return {name.replace("_", "-"): name for name in found}


def faults() -> dict[str, str]:
    """Return what each drill breaks."""
    return {name: fault_of(module) for name, module in _modules().items()}


def current_code() -> str | None:
    """Return the commit of the project, and whether what a drill copies differs from it."""
    commit = git("rev-parse", "--short=12", "HEAD")
    changed = git("status", "--porcelain", "--", ".", ":(exclude)reports")
    return f"{commit}{'-dirty' if changed else ''}" if commit else None


def _evidence(module: str, code: str | None) -> Evidence:
    """Run a drill of a version of the code."""
    try:
        found: Evidence = import_module(f".{module}", __package__).main()
    except NotRecoveredError as error:
        found = Evidence(
            fault=fault_of(module),
            detected_after_seconds=None,
            decision=str(error),
            action="none",
            recovered_after_seconds=None,
            recovered=False,
        )
    return found.model_copy(update={"ended": datetime.now(UTC), "code": code})


def report(name: str, evidence: Evidence) -> None:
    """Write and print the evidence of a drill."""
    path = FOLDER / f"{name}.json"
    write_json(evidence.model_dump(mode="json"), path)
    print(f"  fault: {evidence.fault}\n  decision: {evidence.decision}\n  action: {evidence.action}")
    print(f"drill {name}: {'recovered' if evidence.recovered else 'NOT RECOVERED'}, see {path}")


if __name__ == "__main__":
    main()
