# Managed by copier-mlops: an update merges with your edits.
"""Run stages in this process, in the order given: `python -m PACKAGE ingest split train evaluate`."""

import argparse
import pkgutil
import sys
import time
from importlib import import_module

from . import stages
from .errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Run the named stages and return the exit code.

    A stage is a module of `stages`, imported only when it runs: its libraries are slow to import.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(stages.__path__))
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    parser.add_argument("stages", nargs="+", choices=names, metavar="STAGE", help=", ".join(names))
    for name in parser.parse_args(arguments).stages:
        started = time.perf_counter()
        try:
            import_module(f".stages.{name}", __package__).main()
        except UserError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        print(f"{name}: done in {time.perf_counter() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
