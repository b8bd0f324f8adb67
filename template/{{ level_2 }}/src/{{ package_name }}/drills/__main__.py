# Managed by copier-mlops: an update merges with your edits.
"""Run a drill and write its evidence: `poe drill NAME`."""

import argparse
import pkgutil
from importlib import import_module

from ..core.errors import exit_on_user_error
from ..core.io import write_json
from ..core.paths import REPORTS
from . import __path__ as folder


def main() -> None:
    """Run the named drill; exit with code 1 if the fault was not recovered from."""
    found = (each.name for each in pkgutil.iter_modules(folder) if not each.ispkg and each.name != "__main__")
    names = sorted(name.replace("_", "-") for name in found)
    parser = argparse.ArgumentParser(prog="poe drill", description="Cause a fault in a copy of this project.")
    parser.add_argument("name", choices=names, metavar="NAME", help=", ".join(names))
    name = parser.parse_args().name
    with exit_on_user_error(f"drill {name}"):
        evidence = import_module(f".{name.replace('-', '_')}", __package__).main()
        path = REPORTS / "drills" / f"{name}.json"
        write_json(evidence.model_dump(mode="json"), path)
    print(f"  fault: {evidence.fault}\n  decision: {evidence.decision}\n  action: {evidence.action}")
    print(f"drill {name}: {'recovered' if evidence.recovered else 'NOT RECOVERED'}, see {path}")
    if not evidence.recovered:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
