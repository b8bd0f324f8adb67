"""Production in two clusters, each in another cloud: Argo CD deploys to each what the folder with its name has."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from harness.cluster.argocd import ArgoCD, start_argocd
from harness.cluster.cluster import Cluster, second_cluster
from harness.kube import Manifest
from harness.template import Project

NAMESPACE, SERVER = "customer-churn-production", "model-server"


@dataclass(frozen=True)
class Clouds:
    """Argo CD, and the clusters that it deploys to, by the name of the cloud."""

    argocd: ArgoCD
    clusters: dict[str, Cluster]

    def values(self, cloud: str) -> dict[str, str]:
        """Return what the cluster's file has."""
        path = self.argocd.project.path / f"deploy/clusters/{cloud}/cluster.yaml"
        return dict(re.findall(r"^  (\w+): (\S+)$", path.read_text(), re.MULTILINE))

    def get(self, cloud: str, kind: str, name: str = SERVER) -> Manifest | None:
        """Return an object of production in a cluster."""
        return self.clusters[cloud].get(kind, name, NAMESPACE)


@pytest.fixture(scope="module")
def clouds(own_cluster: Cluster, render: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory) -> Clouds:
    """Return Argo CD after the commands of the docs have added both clusters."""
    rendered = render(maturity_level=3)
    project = Project(tmp_path_factory.mktemp("clouds") / "customer-churn", rendered.answers)
    rendered.run("cp", "-r", rendered.path, project.path)
    second = second_cluster(own_cluster)
    second.define("prometheus-operator", "argo-rollouts")
    argocd = start_argocd(own_cluster, project, "deploy/clouds/argocd")
    made = Clouds(argocd, {"aws": own_cluster, "on-premises": second})
    (command,) = re.findall(r"^argocd cluster add .* cloud=on-premises$", project.text("docs/clouds.md"), re.MULTILINE)
    for cloud, cluster in made.clusters.items():
        options = f" --yes --kubeconfig {cluster.kubeconfig}"
        argocd.command(command.replace("on-premises", cloud).replace("CONTEXT", "test") + options)
    for cloud in made.clusters:
        own_cluster.eventually(cloud, lambda cloud=cloud: argocd.deployed(cloud))
    return made


def test_each_cluster_runs_what_its_folder_has(clouds):
    for cloud in clouds.clusters:
        wanted = clouds.values(cloud)
        (container,) = clouds.get(cloud, "rollout")["spec"]["template"]["spec"]["containers"]
        assert container["image"].startswith(f"{wanted['registry']}/")
        settings = clouds.get(cloud, "configmap", container["envFrom"][0]["configMapRef"]["name"])
        assert settings["data"]["MLFLOW_TRACKING_URI"] == wanted["tracking"]
        assert clouds.get(cloud, "ingress")["spec"]["rules"][0]["host"] == wanted["host"]
        assert clouds.get(cloud, "configmap", "cluster") is None, "the values themselves stay in Git"
    roles = {cloud: clouds.get(cloud, "serviceaccount")["metadata"].get("annotations", {}) for cloud in clouds.clusters}
    assert roles["aws"]["eks.amazonaws.com/role-arn"] == clouds.values("aws")["identity"]
    assert "eks.amazonaws.com/role-arn" not in roles["on-premises"]


def test_only_clusters_with_the_label_get_an_application(clouds):
    applications = clouds.argocd.cluster.all("application", "argocd")
    names = {one["metadata"]["name"] for one in applications}
    assert names == {"customer-churn-aws", "customer-churn-on-premises"}
    assert {one["spec"]["destination"]["namespace"] for one in applications} == {NAMESPACE}


def test_commit_to_the_folder_of_a_cluster_changes_that_alone(clouds):
    before = clouds.get("aws", "rollout")["metadata"]["generation"]
    path = clouds.argocd.project.path / "deploy/clusters/on-premises/cluster.yaml"
    path.write_text(path.read_text().replace("registry.on-premises", "mirror.on-premises"))
    clouds.argocd.push("Use the mirror")
    for cloud in clouds.clusters:
        clouds.argocd.cluster.eventually(cloud, lambda cloud=cloud: clouds.argocd.deployed(cloud))
    (container,) = clouds.get("on-premises", "rollout")["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("mirror.on-premises.example.com/")
    assert clouds.get("aws", "rollout")["metadata"]["generation"] == before


def test_cluster_that_loses_its_label_keeps_serving(clouds):
    listed = clouds.argocd.command("argocd app list --selector cloud --output name")
    assert sorted(listed.split()) == ["argocd/customer-churn-aws", "argocd/customer-churn-on-premises"]
    (command,) = re.findall(r"^kubectl label .*$", clouds.argocd.project.text("docs/clouds.md"), re.MULTILINE)
    clouds.argocd.cluster.kubectl(*shlex.split(command)[1:])
    clouds.argocd.cluster.eventually("no application", lambda: not clouds.argocd.application("on-premises"))
    assert clouds.get("on-premises", "rollout")
