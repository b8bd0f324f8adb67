"""Reading and strictly checking what a project gives to Kubernetes and Grafana."""

import gzip
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from shutil import which
from typing import Any

import kubernetes_validate
import yaml
from jsonschema import Draft7Validator, ValidationError

from harness.template import Project

SCHEMAS = Path(__file__).with_name("schemas")
# The oldest that manifests may need, which docs/runbooks/deploy.md names, and the one in which tests/cluster deploys them.
OLDEST_KUBERNETES, NEWEST_KUBERNETES = "1.25", "1.37"
Manifest = dict[str, Any]
ADMIN_OF_ALL: Manifest = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "everything"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
}  # which no project may deploy


@cache
def schema(name: str) -> Draft7Validator:
    """Return what checks by one of harness/schemas."""
    return Draft7Validator(json.loads(gzip.decompress((SCHEMAS / f"{name}.json.gz").read_bytes())))


def problems(manifest: Manifest) -> list[str]:
    """Return a line for each key that is unknown, missing or of another type; a kind without a schema is an error."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    name = f"{group}_{manifest['kind']}_{version}"
    if (SCHEMAS / f"{name}.json.gz").exists():
        return lines(schema(name).iter_errors(manifest))
    try:
        for version in (OLDEST_KUBERNETES, NEWEST_KUBERNETES):
            kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{'/'.join(map(str, error.path))}: {error.message}"]
    return []


def lines(errors: Iterator[ValidationError]) -> list[str]:
    """Return where each error is and what it is."""
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]


def manifests(path: Path) -> list[Manifest]:
    """Return what a file declares."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def with_istio(project: Project) -> Project:
    """List the component for Istio where the runbook names it."""
    (entry,) = re.findall(r"List `(- \S+canary/istio)`", project.text("docs/runbooks/canary.md"))
    path = project.path / "deploy/overlays/production/kustomization.yaml"
    path.write_text(path.read_text().replace("/production\n", f"/production\n  {entry}\n"))
    return project


def built(project: Project, folder: str, tool: Callable[[str], str]) -> list[Manifest]:
    """Return what Kustomize makes of a folder."""
    command = [tool("kustomize"), "build"] if which("kustomize") else [tool("kubectl"), "kustomize"]
    done = subprocess.run([*command, project.path / folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def only(kind: str, of: list[Manifest], name: str = "") -> Manifest:
    """Return the one manifest of a kind, or of a kind and name."""
    (found,) = (each for each in of if each["kind"] == kind and name in {"", each["metadata"]["name"]})
    return found
