"""Argo Workflows: its controller, what it adds to each pod, and the image of steps, in which a stand-in for uv is."""

import re
import shutil
import tempfile
from pathlib import Path

from harness.cluster.binaries import SMALL, cache, install, once, run, sources_of
from harness.cluster.cluster import Cluster
from harness.cluster.node import write_image, write_program
from harness.docker import make_debian
from harness.kube import Manifest

MODULE, VERSION = "github.com/argoproj/argo-workflows/v4", "v4.0.5"
NAMESPACE = "argo"
EXECUTOR = "localhost/argoexec:1"
STEP = Path(__file__).with_name("step.py")
SETTINGS: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "workflow-controller-configmap"}}


def start_argo_workflows(cluster: Cluster, go: str) -> None:
    """Start the controller, which runs outside of the nodes."""
    definitions = sources_of(go, f"{MODULE}@{VERSION}") / "manifests/base/crds/full"
    cluster.create_definitions(definitions.glob("argoproj.io_*.yaml"))
    cluster.namespace(NAMESPACE)
    cluster.apply([SETTINGS], NAMESPACE)
    controller = install(go, f"{MODULE}/cmd/workflow-controller@{VERSION}")
    flags = [f"--namespace={NAMESPACE}", f"--executor-image={EXECUTOR}"]
    cluster.start_command("workflow-controller", [controller, *flags], LEADER_ELECTION_DISABLE="true")


def write_images(go: str, manifest: str, folder: Path) -> list[Path]:
    """Write what the controller adds to each pod, and the image that a manifest names, with Git in it."""
    executor, step, layer = (folder / f"{name}.tar" for name in ("executor", "step", "layer"))
    write_program(executor, EXECUTOR, build_executor(go), "usr/local/bin/argoexec")
    (name,) = re.findall(r"image: (\S+)", manifest)
    hook = f'cp {STEP} "$1/usr/local/bin/uv"'
    make_debian(layer, name.rpartition("-")[2], ["git", "ca-certificates", "python3"], [hook])
    write_image(step, name, layer)
    return [executor, step]


def build_executor(go: str) -> Path:
    """Return the program that the controller adds; if it is not in the user's cache, build it there.

    Its code for Linux is a link to that for macOS, which the module proxy leaves out.
    """

    def make(program: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copied = Path(shutil.copytree(sources_of(go, f"{MODULE}@{VERSION}"), Path(folder, "sources")))
            Path(copied, "workflow/executor/osspecific/signal_linux.go").symlink_to("signal_darwin.go")
            run(go, "build", *SMALL, "-o", f"{program}/argoexec", "./cmd/argoexec", folder=copied)

    return once(cache() / f"argoexec-{VERSION}", make) / "argoexec"
