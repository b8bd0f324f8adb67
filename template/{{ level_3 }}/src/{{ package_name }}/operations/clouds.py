# Managed by copier-mlops: an update merges with your edits.
"""Checks the clusters of `deploy/clusters/`, and whether what they need is reachable: `poe clouds [--reach]`."""

import argparse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from jsonschema import Draft202012Validator

from ..core.config import read
from ..core.errors import UserError, exit_on_user_error

CLUSTERS, SCHEMA = Path("deploy/clusters"), Path("deploy/clouds/cluster.schema.yaml")
ROUTER = Path("deploy/fail-over/envoy.yaml")


def clusters() -> dict[Path, dict[str, str]]:
    """Return the values of each cluster by its file, or raise a `UserError` with a line for each problem."""
    found: dict[Path, Any] = {path: read(path).get("data") for path in sorted(CLUSTERS.glob("*/cluster.yaml"))}
    problems = [line for path, values in found.items() for line in _problems(path, values)]
    if not problems:
        (router,) = read(ROUTER)["static_resources"]["clusters"]
        servers = [one["endpoint"] for each in router["load_assignment"]["endpoints"] for one in each["lb_endpoints"]]
        routed = [server["address"]["socket_address"]["address"] for server in servers]
        unknown = [one for one in routed if one not in {values["host"] for values in found.values()}]
        problems = [f"{ROUTER}: {one} is the host of no cluster in {CLUSTERS}" for one in unknown]
    if problems:
        raise UserError("\n  ".join(problems))
    return found


def _problems(path: Path, values: Any) -> Iterator[str]:
    errors, overlay = [*Draft202012Validator(read(SCHEMA)).iter_errors(values)], path.with_name("kustomization.yaml")
    for error in errors:
        rule = error.path and f"{error.path[0]}: {error.schema['description']} (found {error.instance!r:.60})"
        yield f"{path}: data: {rule or error.message}"
    if not errors and (component := f"../../clouds/{values['cloud']}") not in read(overlay).get("components", []):
        yield f"{overlay}: list {component}, the cloud of {path.name}"


def unreachable(path: Path, values: dict[str, str]) -> Iterator[str]:
    """Yield a line for each address of a cluster that does not respond; a registry may require a login."""
    for key, url in {
        "tracking": f"{values['tracking'].rstrip('/')}/health",
        "registry": f"https://{values['registry'].partition('/')[0]}/v2/",
        "host": f"https://{values['host']}/v2/health/ready",
    }.items():
        try:
            urllib.request.urlopen(url, timeout=10).close()
        except OSError as error:
            if not (key == "registry" and isinstance(error, HTTPError) and error.code == 401):
                yield f"{path}: {key}: no response from {url}: {getattr(error, 'reason', error)}"


def main() -> None:
    """Print a line for each cluster."""
    parser = argparse.ArgumentParser(prog="poe clouds", description="Check deploy/clusters/ and deploy/fail-over/.")
    parser.add_argument("--reach", action="store_true", help="also request MLflow, registry and servers of each")
    options = parser.parse_args()
    with exit_on_user_error("clouds"):
        found = clusters()
        if options.reach and (lines := [line for one in found.items() for line in unreachable(*one)]):
            raise UserError("\n  ".join(lines))
        for path, values in found.items():
            print(f"{path.parent.name}: {values['cloud']} {values['region']}, https://{values['host']}")


if __name__ == "__main__":
    main()
