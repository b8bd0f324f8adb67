"""Checking files by the JSON schemas that check-jsonschema brings."""

from pathlib import Path

from check_jsonschema import main
from click.testing import CliRunner, Result


def check(schema: str, path: Path) -> Result:
    """Check a file as the command does, without a process that imports it all again."""
    return CliRunner().invoke(main, ["--builtin-schema", schema, str(path)])
