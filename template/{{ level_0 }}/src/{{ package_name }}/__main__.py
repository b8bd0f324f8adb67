# Managed by copier-mlops: an update merges with your edits.
"""Run pipeline stages in this process, in the order given, such as `ingest split train evaluate`."""

import argparse
import pkgutil
import time
from importlib import import_module
from pathlib import Path

from .core.errors import exit_on_user_error
from .core.io import read_docstring
from .pipeline import stages


def main(arguments: list[str] | None = None) -> None:
    """Run the named stages; exit with code 1 at the first that fails.

    Stages are the modules of `pipeline.stages`. Each is imported only when it runs, because its libraries import slowly.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(stages.__path__))
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    parser.add_argument("stages", nargs="+", choices=names, metavar="STAGE", help=", ".join(names))
    for name in parser.parse_args(arguments).stages:
        started = time.perf_counter()
        purpose, *_ = read_docstring(Path(stages.__path__[0], f"{name}.py")).split("\n")
        print(f"{name}: {purpose}", flush=True)
        with exit_on_user_error(name):
            import_module(f"{stages.__name__}.{name}").main()
        print(f"{name}: done in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
