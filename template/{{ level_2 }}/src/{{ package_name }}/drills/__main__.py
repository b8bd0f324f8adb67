# Managed by copier-mlops: an update merges with your edits.
"""Run a drill and write its evidence: `poe drill NAME`."""

import argparse
import pkgutil
from importlib import import_module

from ..core.errors import exit_on_user_error
from ..core.io import write_json
from ..core.paths import REPORTS
from . import __path__ as folder


def main(arguments: list[str] | None = None) -> None:
    """Run the named drill; exit with code 1 if the fault was not recovered from."""
    names = sorted(_shown(found.name) for found in pkgutil.iter_modules(folder) if _is_drill(found))
    parser = argparse.ArgumentParser(prog="poe drill", description="Cause a fault in a copy of this project.")
    parser.add_argument("name", choices=names, metavar="NAME", help=", ".join(names))
    name = parser.parse_args(arguments).name
    with exit_on_user_error(f"drill {name}"):
        evidence = import_module(f".{name.replace('-', '_')}", __package__).main()
        path = REPORTS / "drills" / f"{name}.json"
        write_json(evidence.model_dump(mode="json"), path)
    print(f"  fault: {evidence.fault}\n  decision: {evidence.decision}\n  action: {evidence.action}")
    print(f"drill {name}: {'recovered' if evidence.recovered else 'NOT RECOVERED'}, see {path}")
    if not evidence.recovered:
        raise SystemExit(1)


def _is_drill(found: pkgutil.ModuleInfo) -> bool:
    return not found.ispkg and not found.name.startswith("_")


def _shown(module: str) -> str:
    return module.replace("_", "-")


if __name__ == "__main__":
    main()
