"""What remediation may do in a cluster, and what its actions make of a real Rollout and autoscaler."""

import copy
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import environments
from harness.cluster.binaries import Binaries
from harness.cluster.canary import scale_time
from harness.cluster.cluster import Cluster
from harness.cluster.kwok import start_kwok
from harness.cluster.metrics import start_metrics_server
from harness.cluster.namespaces import NODE
from harness.cluster.rollouts import start_rollouts
from harness.kube import Manifest, only
from harness.shared import Shared
from harness.template import Project

NAMESPACE, SERVER = "customer-churn-production", "model-server"
USER = f"system:serviceaccount:{NAMESPACE}:remediation"
LEFT_OUT = {"CronJob", "PrometheusRule", "ServiceMonitor"}  # nothing here reads them
ALLOWED = {
    (group, resource, verb, "*")
    for group, resource in (
        ("argoproj.io", "rollouts"),
        ("argoproj.io", "rollouts/scale"),
        ("argoproj.io", "rollouts/status"),
        ("autoscaling", "horizontalpodautoscalers"),
    )
    for verb in ("get", "patch")
}
HOLD_SECONDS = 15  # seven looks of the autoscaler
STEP = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
from customer_churn.operations.remediation import actions
from customer_churn.operations.remediation.actions import cluster
account, name, step, before = sys.argv[1:]
cluster.ACCOUNT, action = Path(account), actions.found()[name]
given = [] if step == "before" else [SimpleNamespace(before=json.loads(before))]
print(json.dumps(getattr(action, step)(None, *given)))
"""


@dataclass(frozen=True)
class Production:
    """Production of level 3: its versions, and the steps of actions in it."""

    cluster: Cluster
    project: Project
    account: Path
    versions: list[list[Manifest]]

    def step(self, action: str, step: str, before: Any = None) -> Any:
        """Run a function of an action as the pod does, with the token of its account."""
        python = self.project.path / ".venv/bin/python"
        where = {"KUBERNETES_SERVICE_HOST": NODE, "KUBERNETES_SERVICE_PORT": "6443"}
        arguments = [str(self.account), action, step, json.dumps(before)]
        return json.loads(self.cluster.inside.run(python, "-c", STEP, *arguments, **where).splitlines()[-1])

    @property
    def status(self) -> dict[str, Any]:
        """Return the status of the Rollout."""
        return (self.cluster.get("rollout", SERVER, NAMESPACE) or {}).get("status", {})

    def release(self, number: int) -> None:
        """Start the release of a version, by its place, after the one before."""
        stable, before = self.status["stableRS"], self.versions[number - 1]
        self.cluster.apply([each for each in self.versions[number] if each not in before], NAMESPACE)
        self.cluster.eventually("a release", lambda: self.status["currentPodHash"] != stable)

    def pods(self, number: int) -> bool:
        """Return whether that many pods are available, and no release is in progress."""
        found = self.status
        return found.get("availableReplicas") == number and found.get("phase") == "Healthy"


@pytest.fixture(scope="module")
def production(own_cluster: Cluster, binaries: Binaries, render: Callable[..., Project], disk: Path) -> Production:
    """Return production after its first version is there; pauses of a release take seconds."""
    rendered = render(maturity_level=3)
    project = Project(shutil.copytree(rendered.path, disk / "remediation" / "customer-churn"), rendered.answers)
    environments.install(project, Shared(disk / "shared"))
    scale_time(project)
    overlay = project.path / "deploy/overlays/production"
    setting = overlay / "image/kustomization.yaml"

    def version(alias: str) -> list[Manifest]:
        setting.write_text(re.sub(r"(?<=SERVING_ALIASES=)\S+", alias, setting.read_text()))
        found = copy.deepcopy([each for each in binaries.kustomize(overlay) if each["kind"] not in LEFT_OUT])
        del only("Rollout", found)["spec"]["strategy"]["canary"]["analysis"]  # no Prometheus is here
        return found

    versions = [version(f"release-{number}") for number in (1, 2, 3)]
    own_cluster.namespace(NAMESPACE)
    start_kwok(own_cluster)
    start_metrics_server(own_cluster)
    start_rollouts(own_cluster)
    own_cluster.apply(versions[0], NAMESPACE)
    account = own_cluster.inside.folder / "account"
    account.mkdir()
    (account / "token").write_text(
        own_cluster.kubectl("create", "token", "remediation", f"--namespace={NAMESPACE}").strip()
    )
    (account / "namespace").write_text(NAMESPACE)
    shutil.copy(own_cluster.inside.folder / "keys/apiserver.crt", account / "ca.crt")
    made = Production(own_cluster, project, account, versions)
    own_cluster.eventually("ten pods", lambda: made.pods(10))
    return made


def test_account_may_do_what_its_actions_need_and_nothing_else(production):
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": NAMESPACE},
    }
    command = ["create", "--filename=-", "--output=json", "--validate=false", f"--as={USER}"]
    found = json.loads(production.cluster.kubectl(*command, text=json.dumps(review)))["status"]["resourceRules"]
    allowed = {
        (group, resource, verb, name)
        for rule in found
        for group in rule.get("apiGroups", [""])
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", ["*"])
        if group not in {"authorization.k8s.io", "authentication.k8s.io", "certificates.k8s.io"}  # of any client
    }
    assert allowed == ALLOWED
    for verb, kind in [
        ("get", "secrets"),
        ("create", "pods"),
        ("create", "pods/exec"),
        ("patch", "roles"),
        ("delete", "rollouts"),
    ]:
        command = ["auth", "can-i", verb, kind, f"--as={USER}", f"--namespace={NAMESPACE}"]
        assert production.cluster.kubectl(*command, rc=1).startswith("no"), f"{verb} {kind}"
    rollout = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "other"}, "spec": {}}
    assert "forbidden" in production.cluster.apply([rollout], NAMESPACE, rc=1, user=USER)


def test_release_is_paused_by_the_action_and_goes_on_when_it_is_undone(production):
    cluster = production.cluster
    production.release(1)
    before = production.step("pause_rollout", "before")
    assert before == {"paused": False}
    assert production.step("pause_rollout", "act", before) == "the rollout of model-server is paused"
    cluster.eventually("a pause", lambda: production.status.get("phase") == "Paused")
    step = production.status["currentStepIndex"]
    time.sleep(HOLD_SECONDS)  # longer than a pause of the release
    assert production.status["currentStepIndex"] <= step + 1
    assert production.status["currentPodHash"] != production.status["stableRS"]
    production.step("pause_rollout", "undo", before)
    cluster.eventually("the new version", lambda: production.status["currentPodHash"] == production.status["stableRS"])


def test_release_is_rolled_back_by_the_action_and_starts_again_when_it_is_undone(production):
    cluster, stable = production.cluster, production.status["stableRS"]
    production.release(2)
    before = production.step("abort_release", "before")
    assert before == {"new": production.status["currentPodHash"], "stable": stable}
    assert production.step("abort_release", "act", before).startswith("the release of model-server is aborted")
    cluster.eventually("a rollback", lambda: production.status.get("phase") == "Degraded")
    cluster.eventually("pods of the version before alone", lambda: not production.status.get("updatedReplicas"))
    assert production.status["stableRS"] == stable
    assert production.status["availableReplicas"] == 10
    production.step("abort_release", "undo", before)
    cluster.eventually("the new version", lambda: production.status["stableRS"] == before["new"])
    idle = production.step("abort_release", "before")
    with pytest.raises(AssertionError, match="no release of model-server is in progress"):
        production.step("abort_release", "act", idle)


def test_pods_are_doubled_and_the_autoscaler_is_as_before_when_that_is_undone(production):
    cluster = production.cluster
    cluster.eventually("ten pods", lambda: production.pods(10))
    before = production.step("scale", "before")
    assert before == {"pods": 10, "max_pods": 30, "behavior": None}
    assert production.step("scale", "act", before) == "model-server gets 20 pods instead of 10"
    cluster.eventually("twenty pods", lambda: production.pods(20))
    time.sleep(HOLD_SECONDS)
    assert production.status["availableReplicas"] >= 19, "the autoscaler may take one away"
    production.step("scale", "undo", before)
    assert "behavior" not in (cluster.get("hpa", SERVER, NAMESPACE) or {})["spec"]
