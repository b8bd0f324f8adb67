# Managed by copier-mlops: an update merges with your edits.
"""Say which image an environment runs: write its digest into the overlay of the environment."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import yaml

OVERLAYS = Path("deploy/overlays")
NAME = "model-server"  # what the base calls the image
IMAGE = re.compile(r"(?P<name>[a-z0-9./:_-]+?)(?::[\w.-]+)?@(?P<digest>sha256:[0-9a-f]{64})")
BLOCK = re.compile(r"^images:.*\n(?:[ #-].*\n|\n)*", re.MULTILINE)
ENTRY = re.compile(rf"^(?P<indent> *)- +name: *{NAME}\b.*\n(?:(?P=indent)  +.*\n)*", re.MULTILINE)
DIGEST = re.compile(r"^( *digest: *)\S+", re.MULTILINE)


class ImageError(Exception):
    """Says in a line what is wrong and what to do."""


def overlay(environment: str) -> Path:
    """Return the file that says which image an environment runs."""
    path = OVERLAYS / environment / "kustomization.yaml"
    if not path.exists():
        there = ", ".join(sorted(folder.name for folder in OVERLAYS.glob("*")))
        raise ImageError(f"{path} is missing; there are overlays for {there}")
    return path


def entry(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Return what the content of an overlay says of the image."""
    found = [one for one in content.get("images", []) if one.get("name") == NAME]
    if len(found) != 1:
        raise ImageError(f"{path}: `images` must name {NAME} once")
    return found[0]


def running(environment: str) -> str:
    """Return the image of an environment as NAME@DIGEST."""
    path = overlay(environment)
    image = entry(path, yaml.safe_load(path.read_text(encoding="utf-8")))
    if not {"newName", "digest"} <= image.keys():
        raise ImageError(f"{path} names no digest yet: bring an image there first")
    return f"{image['newName']}@{image['digest']}"


def change(environment: str, image: str) -> str:
    """Make an environment run `image`, leave all else in its overlay as it is, and return what came of it.

    Raises:
        ImageError: the image has no digest, is of another name, or the overlay is written in a way that this does not read.
    """
    parts, path = IMAGE.fullmatch(image), overlay(environment)
    if parts is None:
        raise ImageError(f"{image} is not of the form NAME@sha256:DIGEST")
    before = path.read_text(encoding="utf-8")
    content = yaml.safe_load(before)
    now = entry(path, content)
    if now.get("newName") != parts["name"]:
        raise ImageError(
            f"{path} names {now.get('newName')}, not {parts['name']}: correct `newName` if the image moved"
        )
    if now.get("digest") == parts["digest"]:
        return f"{environment} runs {image} already"
    now["digest"] = parts["digest"]
    after = BLOCK.sub(lambda block: ENTRY.sub(lambda found: with_digest(found, now["digest"]), block[0]), before)
    if yaml.safe_load(after) != content:
        raise ImageError(f"{path}: write `digest: {now['digest']}` by hand")
    path.write_text(after, encoding="utf-8", newline="")
    return f"{environment} will run {image}"


def with_digest(found: re.Match[str], digest: str) -> str:
    """Return an entry of `images` with a digest in place of the old one, or at its end."""
    if DIGEST.search(found[0]):
        return DIGEST.sub(rf"\g<1>{digest}", found[0])
    return f"{found[0]}{found['indent']}  digest: {digest}\n"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="poe image", description=__doc__)
    parser.add_argument("environment", help="a folder of deploy/overlays")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("image", nargs="?", help="NAME@sha256:DIGEST, as a push tells it")
    which.add_argument("--from", dest="source", metavar="ENVIRONMENT", help="take what that environment runs")
    options = parser.parse_args()
    try:
        print(change(options.environment, options.image or running(options.source)))
    except ImageError as error:
        sys.exit(f"poe image: {error}")


if __name__ == "__main__":
    main()
