"""Argo CD, which deploys what is in a Git host of the cluster's own, under the address that the project names."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness.cluster.cluster import Cluster
from harness.cluster.namespaces import NODE
from harness.kube import Manifest, manifests
from harness.template import Project

CACHE = "127.0.0.1:6379"
REPOSITORIES = "127.0.0.1:8081"
PORT = 8088  # of the server for the command `argocd`
LOOK_SECONDS = 3  # between two looks into Git: minutes in production
NAMES = ["argocd-cm", "argocd-rbac-cm", "argocd-tls-certs-cm", "argocd-ssh-known-hosts-cm", "argocd-gpg-keys-cm"]
GIT_HOST = Path(__file__).with_name("git_host.py")


@dataclass(frozen=True)
class ArgoCD:
    """Argo CD, and the repository of a project that it deploys."""

    cluster: Cluster
    project: Project

    def push(self, subject: str) -> None:
        """Commit all changes of the project, and push them."""
        self.project.commit(subject)
        self.project.run("git", "push", "--quiet", "origin", "HEAD")

    def application(self, environment: str) -> Manifest:
        """Return the application of an environment."""
        name = f"{self.project.answers['project_slug']}-{environment}"
        found = self.cluster.get("application", name, "argocd")
        return found or {}

    def deployed(self, environment: str) -> bool:
        """Return whether an environment is as the newest commit describes it, and no sync is tried again."""
        application = self.application(environment)
        status = application.get("status", {})
        head = self.project.run("git", "rev-parse", "HEAD").stdout.strip()
        sync = status.get("sync", {})
        settled = "operation" not in application
        return settled and sync.get("status") == "Synced" and sync.get("revision") == head

    def command(self, command: str) -> str:
        """Run the command `argocd` with arguments as a person types them, and return what it prints."""
        (_, *arguments) = shlex.split(command)
        folder = self.cluster.inside.folder / "argocd"
        variables = {"ARGOCD_BINARY_NAME": "argocd", "ARGOCD_SERVER": f"127.0.0.1:{PORT}", "ARGOCD_OPTS": "--plaintext"}
        program = self.cluster.binaries.program("argocd")
        return self.cluster.inside.run(*program, *arguments, HOME=str(folder), **variables)


def start_argocd(cluster: Cluster, project: Project, folder: str = "deploy/argocd") -> ArgoCD:
    """Start Argo CD, push a project to its Git host, and apply what the project's runbook applies, from a folder of it."""
    cluster.define("argo-cd")
    cluster.namespace("argocd")
    cluster.apply([*map(settings, NAMES), secret()], "argocd")
    certificate = start_git_host(cluster, project)
    cluster.start("redis", CACHE)
    start("repo-server", cluster, "--revision-cache-expiration=1s", ARGOCD_TLS_DATA_PATH=str(certificate.parent))
    own = "--namespace=argocd"
    start("application-controller", cluster, own, f"--repo-server={REPOSITORIES}", f"--app-resync={LOOK_SECONDS}")
    start(
        "applicationset-controller",
        cluster,
        own,
        f"--argocd-repo-server={REPOSITORIES}",
        "--probe-addr=127.0.0.1:8085",
        ARGOCD_APPLICATIONSET_CONTROLLER_REQUEUE_AFTER=f"{LOOK_SECONDS}s",
    )
    start(
        "server",
        cluster,
        own,
        f"--repo-server={REPOSITORIES}",
        "--insecure",
        "--disable-auth",
        f"--port={PORT}",
        "--metrics-port=8089",
        ARGOCD_TLS_DATA_PATH=str(certificate.parent),
    )
    started = ArgoCD(cluster, project)
    started.push("Start from copier-mlops")
    for name in ("project.yaml", "applications.yaml"):  # without the project, Argo CD tries again only after minutes
        cluster.apply(manifests(project.path / folder / name), "argocd")
    return started


def settings(name: str) -> Manifest:
    """Return one of the settings that Argo CD requires, with as much as the tests need in it."""
    content = {"timeout.reconciliation": f"{LOOK_SECONDS}s", "timeout.reconciliation.jitter": "0s"}
    labels = {"app.kubernetes.io/part-of": "argocd"}
    data = {"data": content} if name == "argocd-cm" else {}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, **data}


def secret() -> Manifest:
    """Return the secret that Argo CD requires."""
    metadata = {"name": "argocd-secret", "labels": {"app.kubernetes.io/part-of": "argocd"}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"server.secretkey": "test"}}


def start(name: str, cluster: Cluster, *flags: str, **variables: str) -> None:
    """Start a part of Argo CD: all are one program, which looks at the name under which it was started."""
    folder = cluster.inside.folder / name
    folder.mkdir()
    cache = [] if name == "applicationset-controller" else [f"--redis={CACHE}"]
    program = cluster.binaries.program("argocd")
    programs = f"{Path(program[0]).parent}:/usr/local/bin:/usr/bin:/bin"  # Kustomize is there
    cluster.inside.start(
        name,
        *program,
        *cache,
        *flags,
        ARGOCD_BINARY_NAME=f"argocd-{name}",
        ARGOCD_FAKE_IN_CLUSTER="true",
        ARGOCD_GPG_ENABLED="false",
        KUBECONFIG=str(cluster.kubeconfig),
        HOME=str(folder),
        TMPDIR=str(folder),
        PATH=programs,
        **variables,
    )


def start_git_host(cluster: Cluster, project: Project) -> Path:
    """Serve the project's repository where its `repository_url` is, and return the certificate of that host."""
    url = urlsplit(project.answers["repository_url"])
    folder = cluster.inside.folder / "git"
    repository = folder / url.path.lstrip("/")
    project.run("git", "init", "--quiet", "--bare", repository)
    project.run("git", "init", "--quiet")
    project.run("git", "remote", "add", "origin", repository)
    hosts = cluster.inside.folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{NODE} {url.hostname}\n")
    cluster.inside.run("mount", "--bind", hosts, "/etc/hosts")
    certificate = cluster.inside.folder / "certificates" / str(url.hostname)
    certificate.parent.mkdir()
    key = cluster.inside.folder / "git.key"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", f"/CN={url.hostname}"]
    named = ["-addext", f"subjectAltName=DNS:{url.hostname}", "-keyout", key, "-out", certificate]
    cluster.inside.run(*made, *named)
    cluster.inside.start("git-host", sys.executable, GIT_HOST, folder, NODE, certificate, key)
    return certificate
