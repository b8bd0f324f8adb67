# Managed by copier-mlops: an update merges with your edits.
"""Run stages in this process, in the order given: `python -m PACKAGE ingest split train evaluate`."""

import argparse
import gc
import pkgutil
import time
from importlib import import_module
from types import ModuleType

from . import stages
from .errors import reported


def main(arguments: list[str] | None = None) -> None:
    """Run the named stages; exit with code 1 at the first that fails.

    A stage is a module of `stages`, imported only when it runs: its libraries are slow to import.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(stages.__path__))
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    parser.add_argument("stages", nargs="+", choices=names, metavar="STAGE", help=", ".join(names))
    for name in parser.parse_args(arguments).stages:
        started = time.perf_counter()
        with reported(name):
            _load(name).main()
        print(f"{name}: done in {time.perf_counter() - started:.1f} s")


def _load(name: str) -> ModuleType:
    """Import a stage without collecting garbage: what an import makes stays, and looking through it takes long."""
    gc.disable()
    try:
        return import_module(f".stages.{name}", __package__)
    finally:
        gc.freeze()
        gc.enable()


if __name__ == "__main__":
    main()
