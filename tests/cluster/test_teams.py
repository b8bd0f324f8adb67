"""What Argo CD makes of the files of teams, and that no team reaches another, its own limits or the cluster."""

import json
import re
import shlex
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import pytest
import yaml
from harness.cluster.argocd import ArgoCD, start_argocd
from harness.cluster.cluster import Cluster
from harness.cluster.rollouts import start_rollouts
from harness.kube import ADMIN_OF_ALL, Manifest
from harness.template import Project

OWN, RIVAL = "customer-churn-production", "rival-production"
GROUP = "rival-owners"
QUOTA = {"cpu_cores": 1, "memory_gib": 3, "gpus": 0}
CONTAINER = {
    "name": "server",
    "image": "server:1",
    "resources": {"requests": {"cpu": "600m"}},
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
SECURITY = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
LABELS = {"app": "server"}
MODEL: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "server", "labels": {"team": "customer-churn"}},  # it would count as another's
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"securityContext": SECURITY, "containers": [CONTAINER]}},
    },
}
LEFT_OUT: list[Manifest] = [  # of what a team deploys
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "open"},
        "spec": {"podSelector": {}, "ingress": [{}], "egress": [{}]},
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "all"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    },
]
FORBIDDEN: list[Manifest] = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "elsewhere", "namespace": OWN}},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "rival-more"}},
    {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": {"pods": "99"}}},
    {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "team"}, "spec": {"limits": []}},
    ADMIN_OF_ALL,
    {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "team-rival", "namespace": "argocd"},
        "spec": {"sourceRepos": ["*"]},
    },
]

WITHOUT_OWNER: Manifest = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {
        "name": "without-owner",
        "ownerReferences": [
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "ApplicationSet",
                "name": "deleted",
                "uid": str(uuid.uuid4()),
            }
        ],
    },
    "spec": {"project": "default", "destination": {}},
}


@dataclass(frozen=True)
class Platform:
    """Argo CD with the project's own team, and a second team with a repository of its own."""

    argocd: ArgoCD
    rival: Project
    before: str  # uid of the server when the platform took it over

    @property
    def cluster(self) -> Cluster:
        """Return the cluster."""
        return self.argocd.cluster

    def deploy(self, *manifests: Manifest) -> None:
        """Push what the second team deploys."""
        (self.rival.path / "deploy" / "all.yaml").write_text(yaml.safe_dump_all(manifests))
        self.rival.commit("Deploy")
        self.rival.run("git", "push", "--quiet", "origin", "HEAD")

    def status(self, name: str = RIVAL) -> Manifest:
        """Return the status of an application."""
        return (self.cluster.get("application", name, "argocd") or {}).get("status", {})

    def synced(self, name: str = RIVAL) -> bool:
        """Return whether an application is as its repository describes it."""
        sync, project = self.status(name).get("sync", {}), self.rival if name == RIVAL else self.argocd.project
        head = project.run("git", "rev-parse", "HEAD").stdout.strip()
        return (sync.get("status"), sync.get("revision")) == ("Synced", head)


def team_file(project: Project, name: str, **changes: object) -> None:
    """Write the file of a team with one namespace."""
    namespace = {"name": f"{name}-production", "repository": address(project, name), "folder": "deploy", "replicas": 1}
    content = {"team": name, "owners": [GROUP], "namespaces": [{**namespace, "quota": QUOTA, **changes}]}
    (project.path / "teams" / f"{name}.yaml").write_text(yaml.safe_dump(content))


def address(project: Project, name: str) -> str:
    """Return a repository beside that of a project."""
    return f"{project.answers['repository_url'].rpartition('/')[0]}/{name}"


def uid(cluster: Cluster) -> str:
    """Return what identifies the project's own server as long as it is not deleted."""
    return (cluster.get("rollout", "model-server", OWN) or {})["metadata"]["uid"]


@pytest.fixture(scope="module")
def platform(
    own_cluster: Cluster, render: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory
) -> Platform:
    """Return Argo CD after it has made two teams from their files."""
    rendered = render(maturity_level=3)
    project = Project(tmp_path_factory.mktemp("platform") / "customer-churn", rendered.answers)
    rendered.run("cp", "-r", rendered.path, project.path)
    team_file(project, "rival")
    start_rollouts(own_cluster)
    argocd = start_argocd(own_cluster, project)
    own_cluster.eventually("the project without a platform", lambda: argocd.deployed("production"))
    rival = Project(tmp_path_factory.mktemp("rival"), rendered.answers)
    repository = own_cluster.inside.folder / "git" / urlsplit(address(project, "rival")).path.lstrip("/")
    rival.run("git", "init", "--quiet", "--bare", repository)
    rival.run("git", "init", "--quiet")
    rival.run("git", "remote", "add", "origin", repository)
    (rival.path / "deploy").mkdir()
    (rival.path / "deploy" / "kustomization.yaml").write_text("resources: [all.yaml]\n")
    made = Platform(argocd, rival, uid(own_cluster))
    made.deploy({**MODEL, "spec": {**MODEL["spec"], "replicas": 1}}, *LEFT_OUT)
    runbook = project.text("docs/runbooks/new-team.md")
    (orphan, delete, *applies) = re.findall(
        r"^(?:kubectl (?:delete applicationset|apply)|argocd app delete) .*$", runbook, re.MULTILINE
    )
    own_cluster.apply([WITHOUT_OWNER], "argocd")
    # The garbage collector, which `--cascade=orphan` needs, looks for new kinds each half minute.
    own_cluster.eventually("garbage collection", lambda: not own_cluster.get("application", "without-owner", "argocd"))
    own_cluster.kubectl(*shlex.split(orphan)[1:])
    argocd.command(delete)
    gone = partial(argocd.application, "production")
    own_cluster.eventually("no application", lambda: not gone())
    for command in applies:
        own_cluster.kubectl(*shlex.split(command.replace("deploy/platform", f"{project.path}/deploy/platform"))[1:])
    server = partial(own_cluster.get, "service", "model-server", OWN)
    own_cluster.eventually("a takeover", lambda: "team" in (server() or {})["metadata"]["labels"])
    own_cluster.eventually("the project's own team", lambda: made.synced(OWN))
    own_cluster.eventually("the second team", made.synced)
    # Only now, since a pod of the moment between a new namespace and its quota stays.
    own_cluster.eventually("a quota", lambda: own_cluster.get("quota", "team", RIVAL))
    made.deploy(MODEL, *LEFT_OUT)
    own_cluster.eventually("the second pod", made.synced)
    return made


@pytest.mark.parametrize(("namespace", "team", "cores"), [(OWN, "customer-churn", "8"), (RIVAL, "rival", "1")])
def test_file_of_a_team_becomes_a_namespace_with_its_limits_and_a_project(platform, namespace, team, cores):
    cluster, answers = platform.cluster, platform.argocd.project.answers
    owner = GROUP if team == "rival" else answers["owner"].rpartition("/")[2]
    (made,) = (one for one in cluster.all("namespace", "") if one["metadata"]["name"] == namespace)
    labels = {"team": team, "pod-security.kubernetes.io/enforce": "restricted", "app.kubernetes.io/part-of": "platform"}
    assert labels.items() <= made["metadata"]["labels"].items()
    assert cluster.get("quota", "team", namespace)["spec"]["hard"]["requests.cpu"] == cores
    assert cluster.get("limits", "team", namespace)["spec"]["limits"]
    policies = {"own-namespace", "model-server", "remediation"}
    assert {one["metadata"]["name"] for one in cluster.all("networkpolicy", namespace)} == policies
    server = cluster.get("networkpolicy", "model-server", namespace)["spec"]["podSelector"]
    assert server.keys() == {"matchExpressions"}, "that of the project is still there"
    subjects = {one["metadata"]["name"]: one["subjects"][0]["name"] for one in cluster.all("rolebinding", namespace)}
    assert subjects == {"owners": owner, "owners-view": owner, "remediation": "remediation"}
    project = cluster.get("appproject", f"team-{team}", "argocd")["spec"]
    assert {one["namespace"] for one in project["destinations"]} <= {OWN, OWN.replace("production", "staging"), RIVAL}
    assert {one["namespace"] for one in project["destinations"]} & {OWN, RIVAL} == {namespace}
    assert project["sourceRepos"] == [
        address(platform.argocd.project, "rival" if team == "rival" else "customer-churn")
    ]


def test_whole_level_is_deployed_under_the_project_of_its_team_and_is_labeled_for_dashboards(platform):
    cluster = platform.cluster
    assert uid(cluster) == platform.before
    assert cluster.get("service", "model-server", OWN)["metadata"]["labels"]["team"] == "customer-churn"
    assert cluster.get("servicemonitor", "model-server", OWN)["spec"]["targetLabels"][0] == "team"
    assert cluster.get("deployment", "server", RIVAL)["metadata"]["labels"]["team"] == "rival", "it counts as another"


def test_team_reads_its_own_secrets_and_nothing_of_another_team(platform):
    cluster = platform.cluster
    for namespace in (OWN, RIVAL):
        cluster.kubectl("create", "secret", "generic", "key", "--from-literal=key=1", f"--namespace={namespace}")
    ada = ["--as=ada", f"--as-group={GROUP}"]
    cluster.kubectl("get", "secret", "key", f"--namespace={RIVAL}", *ada)
    for kind in ("secret", "pods", "configmaps"):
        assert "Forbidden" in cluster.kubectl("get", kind, f"--namespace={OWN}", *ada, rc=1), kind
    pod = [f"--as=system:serviceaccount:{RIVAL}:default"]
    assert "Forbidden" in cluster.kubectl("get", "secret", "key", f"--namespace={OWN}", *pod, rc=1)
    for verb, kind in [
        ("patch", "resourcequotas"),
        ("patch", "limitranges"),
        ("create", "networkpolicies"),
        ("create", "deployments"),
        ("create", "rolebindings"),
        ("create", "namespaces"),
    ]:
        printed = cluster.kubectl("auth", "can-i", verb, kind, f"--namespace={RIVAL}", *ada, rc=1)
        assert printed.startswith("no"), f"{verb} {kind}"


def test_quota_refuses_the_pod_that_is_too_much(platform):
    def refused() -> bool:
        return "exceeded quota: team" in json.dumps(platform.cluster.all("events", RIVAL))

    platform.cluster.eventually("a refusal", refused)
    assert len(platform.cluster.all("pods", RIVAL, "app=server")) == 1


def test_what_is_not_the_teams_is_refused_by_name_until_a_commit_removes_it(platform):
    platform.deploy(MODEL, *FORBIDDEN)
    wanted = {(one["kind"], one["metadata"]["name"]) for one in FORBIDDEN}

    def refused() -> bool:
        result = platform.status().get("operationState", {}).get("syncResult", {})
        found = [one for one in result.get("resources", []) if "not permitted in project" in one.get("message", "")]
        return {(one["kind"], one["name"]) for one in found} == wanted

    platform.cluster.eventually("refusals", refused)
    assert platform.cluster.get("configmap", "elsewhere", OWN) is None
    assert "pods" not in platform.cluster.get("quota", "team", RIVAL)["spec"]["hard"]
    platform.deploy(MODEL)
    platform.cluster.eventually("the team again", platform.synced)


@pytest.mark.parametrize(
    "changes", [{"destination": {"namespace": OWN}}, {"source": {"repoURL": "https://a.example/b"}}]
)
def test_application_of_a_team_to_another_namespace_or_from_another_repository_is_refused(platform, changes):
    spec = platform.cluster.get("application", RIVAL, "argocd")["spec"]
    foreign = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "foreign", "namespace": "argocd"},
        "spec": spec | {key: spec[key] | value for key, value in changes.items()},
    }
    platform.cluster.apply([foreign], "argocd")
    refusals = ("not permitted in project", "do not match any of the allowed destinations in project")

    def refused() -> bool:
        conditions = json.dumps(platform.status("foreign").get("conditions", []))
        return any(refusal in conditions for refusal in refusals)

    platform.cluster.eventually("a refusal", refused)
    platform.cluster.kubectl("delete", "application", "foreign", "--namespace=argocd")


def test_file_that_lacks_a_key_changes_no_team_and_is_reported(platform):
    cluster, project = platform.cluster, platform.argocd.project
    team_file(project, "late", quota={})
    platform.argocd.push("Add a team without a quota")

    def conditions() -> str:
        found = cluster.get("applicationset", "team-namespaces", "argocd") or {}
        return json.dumps(found.get("status", {}).get("conditions", []))

    cluster.eventually("an error", lambda: "map has no entry for key" in conditions())
    assert cluster.get("application", f"namespace-{RIVAL}", "argocd")
    assert cluster.get("application", "namespace-late-production", "argocd") is None
    project.run("git", "revert", "--no-edit", "HEAD")
    project.run("git", "push", "--quiet", "origin", "HEAD")
    refresh = "argocd.argoproj.io/application-set-refresh=true"  # after an error, it tries again every three minutes
    cluster.kubectl("annotate", "applicationset", "team-namespaces", refresh, "--namespace=argocd")
    cluster.eventually("no error", lambda: "map has no entry" not in conditions())


def test_larger_quota_comes_by_a_commit_and_a_deleted_file_leaves_namespace_and_model(platform):
    cluster, project = platform.cluster, platform.argocd.project
    off = json.dumps([{"op": "remove", "path": "/spec/syncPolicy/automated"}])  # as for a rollback
    cluster.kubectl("patch", "application", RIVAL, "--type=json", f"--patch={off}", "--namespace=argocd")
    team_file(project, "rival", quota={**QUOTA, "cpu_cores": 2})
    platform.argocd.push("Give the team more")
    cluster.eventually("two pods", lambda: len(cluster.all("pods", RIVAL, "app=server")) == 2)
    assert "automated" not in cluster.get("application", RIVAL, "argocd")["spec"]["syncPolicy"]
    (project.path / "teams" / "rival.yaml").unlink()
    platform.argocd.push("The team leaves")
    names = (RIVAL, f"namespace-{RIVAL}", "project-rival")
    cluster.eventually("no application", lambda: not any(cluster.get("application", one, "argocd") for one in names))
    assert cluster.get("deployment", "server", RIVAL)
    assert cluster.get("quota", "team", RIVAL)["spec"]["hard"]["requests.cpu"] == "2"
