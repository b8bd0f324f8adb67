# Managed by copier-mlops: an update merges with your edits.
"""Set the image of an environment, in the component `image` of its overlay."""

import argparse
import re
import sys
from contextlib import suppress
from pathlib import Path

import yaml

OVERLAYS = Path("deploy/overlays")
IMAGE = re.compile(r"(?P<name>[a-z0-9./:_-]+?)(?::[\w.-]+)?@(?P<digest>sha256:[0-9a-f]{64})")
IMAGES = re.compile(r"^images:.*\n(?:[ -].*\n?)*", re.MULTILINE)  # the whole list


def component(environment: str) -> tuple[Path, dict[str, str]]:
    """Return the file with the image of an environment, and what it says."""
    path = OVERLAYS / environment / "image" / "kustomization.yaml"
    if not path.exists():
        there = ", ".join(sorted(folder.name for folder in OVERLAYS.iterdir()))
        sys.exit(f"poe image: {path} is missing; there are overlays for {there}")
    images = yaml.safe_load(path.read_text(encoding="utf-8"))["images"]
    if [image["name"] for image in images] != ["model-server"]:
        sys.exit(f"poe image: {path} must name model-server alone: other images belong in the overlay")
    return path, images[0]


def running(environment: str) -> str:
    """Return the image of an environment as NAME@DIGEST."""
    path, image = component(environment)
    if "digest" not in image:
        sys.exit(f"poe image: {path} names no digest yet: bring an image there first")
    return f"{image['newName']}@{image['digest']}"


def change(environment: str, image: str) -> str:
    """Set the image of an environment and return what changed."""
    parts = IMAGE.fullmatch(image)
    if parts is None:
        sys.exit(f"poe image: {image} is not of the form NAME@sha256:DIGEST")
    path, current = component(environment)
    if current["newName"] != parts["name"]:
        sys.exit(
            f"poe image: {path} names {current['newName']}, not {parts['name']}: correct `newName` if the image moved"
        )
    if current.get("digest") == parts["digest"]:
        return f"{environment} runs {image} already"
    entry = f"images:\n  - name: model-server\n    newName: {parts['name']}\n    digest: {parts['digest']}\n"
    changed = IMAGES.sub(entry, path.read_text(encoding="utf-8"))
    temporary = path.with_name(f".{path.name}.partial")
    try:
        temporary.write_text(changed, encoding="utf-8", newline="")
        temporary.replace(path)  # completely or not at all
    except OSError as error:
        with suppress(OSError):  # the folder must not be written
            temporary.unlink(missing_ok=True)
        sys.exit(f"poe image: {path} cannot be written: {error.strerror}")
    return f"{environment} will run {image}"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="poe image", description=__doc__)
    parser.add_argument("environment", help="a folder of deploy/overlays")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("image", nargs="?", help="NAME@sha256:DIGEST, as `docker push` prints it")
    which.add_argument("--from", dest="source", metavar="ENVIRONMENT", help="take the image of that environment")
    options = parser.parse_args()
    print(change(options.environment, options.image or running(options.source)))


if __name__ == "__main__":
    main()
