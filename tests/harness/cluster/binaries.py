"""The programs of a cluster, built from the Go module proxy at the versions of `programs/go.mod`, once for all runs."""

import hashlib
import inspect
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from harness.kube import Manifest

PROGRAMS = Path(__file__).with_name("programs")
VERSION = "k8s.io/component-base/version"  # a server that is built without it calls itself v0.0.0, which clients reject
ARGO_CD, SCRIPT = "github.com/argoproj/argo-cd/v3", "git-verify-wrapper.sh"
COMMANDS = {
    "kubernetes": "./kubernetes",
    "redis": "./redis",
    "pause": "./pause",
    "argocd": "github.com/argoproj/argo-cd/v3/cmd",
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok",
    "metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server",
}
# Built with the versions of its own go.mod: with newer ones, Kubernetes's validation rejects each Rollout.
ROLLOUTS, CONTROLLER = "github.com/argoproj/argo-rollouts", "rollouts-controller"
# Each with the versions of its own go.mod, too: the oracle of rules for objectives, and the operator of Ray's clusters.
SLOTH = "github.com/slok/sloth/cmd/sloth@v0.16.0"
KUBERAY = "github.com/ray-project/kuberay/ray-operator@v1.5.0"
SMALL = ["-trimpath", "-ldflags", "-s -w"]
KUBERNETES = ["etcd", "coredns", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler"]
KUBERNETES += ["kubectl", "kubelet"]  # all in one program, which share most of their code
# What the modules have besides programs: definitions of their resources, and how kwok's nodes and pods become ready.
MANIFESTS = {
    ARGO_CD: ["manifests/crds/*-crd.yaml"],
    ROLLOUTS: ["manifests/crds/*-crd.yaml"],
    "github.com/prometheus-operator/prometheus-operator": [
        f"example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml"  # the others are large
        for kind in ("prometheusrules", "servicemonitors")
    ],
    "sigs.k8s.io/kwok": [
        "kustomize/metrics/resource/metrics-*.yaml",
        "kustomize/metrics/usage/usage-*.yaml",
        "kustomize/stage/node/fast/node-*.yaml",
        "kustomize/stage/node/heartbeat/node-*.yaml",  # not those by leases, with which nodes become unready
        "kustomize/stage/pod/fast/pod-*.yaml",
    ],
}


@dataclass(frozen=True)
class Binaries:
    """The programs and manifests of a cluster."""

    folder: Path

    def program(self, name: str) -> list[str]:
        """Return the command that runs a program."""
        found = self.folder / "bin" / ("kubernetes" if name in KUBERNETES else name)
        return [str(found), name] if name in KUBERNETES else [str(found)]

    def manifests(self, module: str) -> list[Path]:
        """Return the manifests of a module, by the end of its path."""
        return sorted((self.folder / "manifests" / module).iterdir())

    def kustomize(self, folder: Path) -> list[Manifest]:
        """Return what Kustomize builds of a folder, by the program that Argo CD calls."""
        done = subprocess.run(
            [*self.program("kustomize"), "build", folder], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))


def versions() -> dict[str, str]:
    """Return the version of each required module, by the end of its path."""
    found = re.findall(r"^\t(\S+) v(\S+)", (PROGRAMS / "go.mod").read_text(), re.MULTILINE)
    return {name_of(module): version for module, version in found}


def name_of(module: str) -> str:
    """Return the end of a module's path, without its major version."""
    return re.sub(r"/v\d+$", "", module).rpartition("/")[2]


def build(go: str) -> Binaries:
    """Return the programs; if they are not in the user's cache, build them there, which takes a quarter of an hour."""

    def make(folder: Path) -> None:
        compile_programs(go, folder / "bin")
        for module, patterns in MANIFESTS.items():
            copy_manifests(go, module, patterns, folder / "manifests" / name_of(module))
        copy_script(go, folder / "bin")

    return Binaries(once(cache() / fingerprint(), make))


def install(go: str, package: str) -> Path:
    """Return a program at a version, such as `example.org/program@v1.0.0`; if it is not in the user's cache, build it there."""
    name, version = package.rpartition("/")[2].split("@")

    def make(folder: Path) -> None:
        run(go, "install", *SMALL, package, GOBIN=str(folder), GOFLAGS="")

    return once(cache() / f"{name}-{version}", make) / name


def build_module(go: str, folder: Path, package: str = ".") -> Path:
    """Return the program of a module with versions of its own; if it is not in the user's cache, build it there."""
    sources = sorted(path for path in folder.iterdir() if path.suffix in {".go", ".mod", ".sum"})
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]

    def make(program: Path) -> None:
        run(go, "build", *SMALL, "-o", str(program), package, folder=folder)

    return once(cache(folder.name) / digest, make)


def once(path: Path, make: Callable[[Path], None]) -> Path:
    """Return a file or folder; if it is not there, make it, and give it its name when it is whole."""
    with FileLock(path.with_name(f"{path.name}.lock")):
        if not path.exists():
            unfinished = path.with_name(f"{path.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(path)
    return path


def cache(name: str = "cluster") -> Path:
    """Return the folder of what is built once for all runs."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "copier-mlops" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fingerprint() -> str:
    """Return a hash of all that the programs depend on."""
    sources = [path for path in sorted(PROGRAMS.rglob("*")) if path.is_file()]
    content = b"".join(path.read_bytes() for path in sources)
    settings = repr([COMMANDS, ROLLOUTS, MANIFESTS, inspect.getsource(compile_programs)])
    return hashlib.sha256(content + settings.encode()).hexdigest()[:16]


def compile_programs(go: str, folder: Path) -> None:
    """Build all programs, one after the other: the second and later ones find most of their code compiled."""
    major, minor, _ = (version := versions()["kubernetes"]).split(".")
    stamps = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    flags = " ".join(["-s", "-w", *(f"-X {VERSION}.{name}={value}" for name, value in stamps.items())])
    for name, package in COMMANDS.items():
        run(go, "build", "-trimpath", "-ldflags", flags, "-o", str(folder / name), package)
    own = ["-C", str(sources_of(go, ROLLOUTS)), "-trimpath", "-ldflags", "-s -w", "-o", str(folder / CONTROLLER)]
    run(go, "build", *own, f"./cmd/{CONTROLLER}")


def copy_manifests(go: str, module: str, patterns: list[str], folder: Path) -> None:
    """Copy files of a module that is required in go.mod."""
    source = sources_of(go, module)
    folder.mkdir(parents=True)
    for path in (path for pattern in patterns for path in sorted(source.glob(pattern))):
        shutil.copyfile(path, folder / path.name)
    assert any(folder.iterdir()), f"{module} has no {patterns}"


def copy_script(go: str, folder: Path) -> None:
    """Copy what Argo CD calls for each commit, without which it makes no manifests."""
    copied = shutil.copyfile(sources_of(go, ARGO_CD) / "hack" / SCRIPT, folder / SCRIPT)
    copied.chmod(0o755)  # a module's files are not executable


def sources_of(go: str, module: str) -> Path:
    """Return the folder of a required module, or of one at a version."""
    return Path(json.loads(run(go, "mod", "download", "-json", module))["Dir"])


def run(go: str, *arguments: str, folder: Path = PROGRAMS, **variables: str) -> str:
    """Run Go's command in the folder of a module, with less priority than tests that run beside it."""
    environment: dict[str, Any] = {**os.environ, "GOTOOLCHAIN": "auto", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"}
    environment |= variables
    done = subprocess.run(
        ["nice", go, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"go {' '.join(arguments)}:\n{done.stderr}"
    return done.stdout
