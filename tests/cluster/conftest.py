"""A cluster of the tests' own, and what projects deploy to it."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from harness.cluster.binaries import Binaries, build
from harness.cluster.cluster import Cluster, cluster
from harness.cluster.namespaces import TOOLS
from harness.cluster.node import BRIDGED, PLUGINS
from harness.cluster.node import TOOLS as NODE_TOOLS
from harness.kube import Manifest
from harness.template import Project


@pytest.fixture(scope="session")
def go(lacking: Callable[[str], NoReturn]) -> str:
    """Return the path of Go."""
    return shutil.which("go") or lacking("Go is not installed: `uv sync --group cluster` brings it")


@pytest.fixture(scope="session")
def binaries(go: str, tool: Callable[[str], str], lacking: Callable[[str], NoReturn]) -> Binaries:
    """Return the programs of a cluster, built if this machine has none yet."""
    if sys.platform != "linux" or os.geteuid():
        lacking("only root on Linux can start a cluster: sudo env PATH=$PATH make cluster")
    for program in TOOLS:
        tool(program)
    return build(go)


@pytest.fixture(scope="session")
def node_programs(tool: Callable[[str], str], lacking: Callable[[str], NoReturn]) -> None:
    """Check what this machine needs for a node with real pods."""
    for program in NODE_TOOLS:
        tool(program)
    if not (PLUGINS / "bridge").exists():
        lacking("no network plug-ins for containers: apt-get install containernetworking-plugins")
    if not Path("/proc/sys/net", BRIDGED).exists():
        lacking("the kernel does not filter packets between pods: modprobe br_netfilter")


@pytest.fixture(scope="module")
def own_cluster(binaries: Binaries, disk: Path) -> Iterator[Cluster]:
    """Return a cluster without nodes, for the tests of a module; with what the manifests of all levels need."""
    folder = Path(tempfile.mkdtemp(prefix="control-plane-", dir=disk))
    with cluster(binaries, folder) as made:
        made.define("prometheus-operator", "argo-cd", "argo-rollouts")
        yield made


@pytest.fixture(scope="session")
def deployed(render: Callable[..., Project], binaries: Binaries) -> Callable[..., list[Manifest]]:
    """Return what the default project has in an environment, as Argo CD builds it."""

    def deployed(environment: str, level: int = 1) -> list[Manifest]:
        return binaries.kustomize(render(maturity_level=level).path / "deploy" / "overlays" / environment)

    return deployed
