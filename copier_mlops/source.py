"""The address that this tool was installed from, which is the address of the template."""

import argparse
import json
from importlib.metadata import distribution
from urllib.parse import urlsplit
from urllib.request import url2pathname

from copier_mlops.errors import CommandError


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the template and its version."""
    parser.add_argument(
        "--template", metavar="SOURCE", help="its folder or Git URL; default: where this tool was installed from"
    )
    parser.add_argument(
        "--vcs-ref", metavar="REF", help="the template's tag, branch or commit; default: its newest version"
    )


def template_source() -> str:
    """Return the folder or Git URL that this tool was installed from, in Copier's form.

    Raises:
        CommandError: it was installed from a wheel or an index.
    """
    return source_of(distribution("copier-mlops").read_text("direct_url.json"))


def source_of(direct_url: str | None) -> str:
    """Return the folder or Git URL in an installer's record of a package's origin (PEP 610).

    Raises:
        CommandError: the package came from a wheel or an index, so no record names a template.
    """
    origin = json.loads(direct_url) if direct_url else {}
    if "vcs_info" in origin:
        return f"git+{origin['url']}"
    if "dir_info" in origin:
        return url2pathname(urlsplit(origin["url"]).path)
    raise CommandError(
        "this tool was installed from a wheel or an index: add --template with the template's folder or Git URL"
    )
