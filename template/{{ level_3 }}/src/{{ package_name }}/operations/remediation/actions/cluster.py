# Managed by copier-mlops: an update merges with your edits.
"""Actions in Kubernetes, with the permissions of this pod's service account. Argo CD leaves the fields that they set."""

import os
from pathlib import Path
from typing import Any

import requests

from ....core.errors import UserError
from ..settings import Remediation
from ..store import Remedy
from . import Action

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ROLLOUT = "argoproj.io/v1alpha1/namespaces/{}/rollouts/model-server"
AUTOSCALER = "autoscaling/v2/namespaces/{}/horizontalpodautoscalers/model-server"
SLOWLY = {"scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 600}]}}
TIMEOUT_SECONDS = 10


def request(path: str, change: dict[str, Any] | None = None) -> Any:
    """Return an object in the namespace of this pod, after a JSON merge patch if there is one.

    Raises:
        UserError: this is no pod with a service account, or the API refuses.
    """
    try:
        host, port = (os.environ[f"KUBERNETES_SERVICE_{name}"] for name in ("HOST", "PORT"))
        token, namespace = (ACCOUNT.joinpath(name).read_text() for name in ("token", "namespace"))
        url = f"https://{f'[{host}]' if ':' in host else host}:{port}/apis/{path.format(namespace)}"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}
        method, trusted = "PATCH" if change else "GET", str(ACCOUNT / "ca.crt")
        response = requests.request(method, url, json=change, headers=headers, verify=trusted, timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
        return response.json()
    except (KeyError, OSError, ValueError) as error:
        raise UserError(f"Kubernetes, {path.partition('{}/')[2]}: {error}, where only a pod has access") from error


def _pods(policy: Remediation) -> dict[str, Any]:
    scaler, scale = request(AUTOSCALER)["spec"], request(f"{ROLLOUT}/scale")["spec"]
    return {"pods": scale["replicas"], "max_pods": scaler["maxReplicas"], "behavior": scaler.get("behavior")}


def _more_pods(policy: Remediation, remedy: Remedy) -> str:
    """Double the pods; the autoscaler then takes one away in ten minutes at most."""
    pods, wanted = remedy.before["pods"], min(2 * remedy.before["pods"], remedy.before["max_pods"])
    if wanted <= pods:
        raise UserError(f"model-server has {pods} pods, the maximum of its autoscaler")
    request(AUTOSCALER, {"spec": {"behavior": SLOWLY}})
    request(f"{ROLLOUT}/scale", {"spec": {"replicas": wanted}})
    return f"model-server gets {wanted} pods instead of {pods}"


def _autoscale(policy: Remediation, remedy: Remedy) -> str:
    request(AUTOSCALER, {"spec": {"behavior": remedy.before["behavior"]}})
    return "the autoscaler of model-server decides again"


def _paused(policy: Remediation) -> dict[str, Any]:
    return {"paused": request(ROLLOUT)["spec"].get("paused", False)}


def _pause(policy: Remediation, remedy: Remedy, paused: bool = True) -> str:
    request(ROLLOUT, {"spec": {"paused": paused}})
    return f"the rollout of model-server {'is paused' if paused else 'goes on'}"


def _release(policy: Remediation) -> dict[str, Any]:
    status = request(ROLLOUT).get("status", {})
    return {"new": status.get("currentPodHash"), "stable": status.get("stableRS")}


def _abort(policy: Remediation, remedy: Remedy) -> str:
    if remedy.before["new"] == remedy.before["stable"]:
        raise UserError("no release of model-server is in progress")
    request(f"{ROLLOUT}/status", {"status": {"abort": True}})
    return "the release of model-server is aborted: all requests get the version before"


def _retry(policy: Remediation, remedy: Remedy) -> str:
    request(f"{ROLLOUT}/status", {"status": {"abort": False}})
    return "the release of model-server starts again"


scale = Action(_pods, _more_pods, _autoscale)
pause_rollout = Action(_paused, _pause, lambda policy, remedy: _pause(policy, remedy, remedy.before["paused"]))
abort_release = Action(_release, _abort, _retry)
