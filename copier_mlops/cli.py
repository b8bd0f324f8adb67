"""The command line: one module of `commands` for each subcommand, with `add_parser` and `run`."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from copier_mlops.commands import adopt, level, maturity, new, update
from copier_mlops.errors import CommandError

COMMANDS = (new, adopt, level, update, maturity)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a subcommand and exit with its code."""
    parser = argparse.ArgumentParser(
        prog="copier-mlops", description="Machine-learning repositories that grow by level."
    )
    parser.add_argument("--version", action="version", version=f"copier-mlops {version('copier-mlops')}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers).set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    try:
        code = options.run(options)
        sys.stdout.flush()
        sys.exit(code)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except CommandError as error:
        sys.exit(f"copier-mlops: {error}")
    except OSError as error:
        sys.exit(f"copier-mlops: {error.filename or 'a file'} cannot be read or written: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit("copier-mlops: interrupted")
