"""The option for KServe: what Kustomize makes of it, and that it fits the image."""

import copy
import re
from collections.abc import Callable

import pytest
import yaml
from harness.kube import Manifest, built, only, problems
from harness.template import Project

OVERLAY = "deploy/overlays/production"
AFTER = "  - ../../levels/production\n"
STANDARD = f"{AFTER}  - ../../levels/level-2/kserve/standard\n"


@pytest.fixture
def kserve(project: Callable[..., Project]) -> Project:
    return project(maturity_level=2, serving_platform="kserve")


@pytest.fixture
def production(kserve: Project, tool: Callable[[str], str]) -> list[Manifest]:
    return built(kserve, OVERLAY, tool)


def test_production_is_strictly_valid_in_both_modes(kserve, production, tool):
    assert {manifest["kind"]: problems(manifest) for manifest in production if problems(manifest)} == {}
    spoilt = copy.deepcopy(only("InferenceService", production))
    spoilt["spec"]["predictor"]["canaryTraficPercent"] = 10
    assert problems(spoilt)

    overlay = kserve.path / OVERLAY / "kustomization.yaml"
    overlay.write_text(overlay.read_text().replace(AFTER, STANDARD))
    standard = only("InferenceService", built(kserve, OVERLAY, tool))
    assert problems(standard) == []
    assert standard["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"
    assert "canaryTrafficPercent" not in standard["spec"]["predictor"]


def test_inferenceservice_replaces_all_that_runs_and_scales_the_server(production):
    kinds = {manifest["kind"] for manifest in production if manifest["metadata"]["name"] == "model-server"}
    assert not kinds & {"Deployment", "Rollout", "Service", "HorizontalPodAutoscaler", "ServiceMonitor"}
    assert {"InferenceService", "PodMonitor", "NetworkPolicy", "PodDisruptionBudget"} <= kinds


def test_container_is_the_one_of_the_deployment_as_kserve_requires_it(kserve, production, tool):
    deployment = only("Deployment", built(kserve, "deploy/overlays/staging", tool))
    (own,) = deployment["spec"]["template"]["spec"]["containers"]
    (container,) = only("InferenceService", production)["spec"]["predictor"]["containers"]
    assert container["name"] == "kserve-container"
    assert container["env"] == [{"name": "PROTOCOL", "value": "v2"}]
    (port,) = container["ports"]
    (exposed,) = re.findall(r"^EXPOSE (\d+)$", kserve.text("Dockerfile"), re.MULTILINE)
    assert (port["name"], port["containerPort"]) == ("http1", int(exposed))
    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {**own[probe]["httpGet"], "port": int(exposed)}
    assert container["resources"] == own["resources"]
    assert container["volumeMounts"] == own["volumeMounts"]
    assert container["securityContext"].items() >= own["securityContext"].items()
    assert container["image"] == own["image"]
    configuration = next(one for one in production if one["metadata"]["name"].startswith("model-server-"))
    assert container["envFrom"] == [{"configMapRef": {"name": configuration["metadata"]["name"]}}]


def test_pods_have_the_labels_by_which_they_are_watched_and_protected(production):
    labels = only("InferenceService", production)["metadata"]["labels"]  # KServe gives them to its pods
    for kind, path in (
        ("PodMonitor", "selector"),
        ("NetworkPolicy", "podSelector"),
        ("PodDisruptionBudget", "selector"),
    ):
        spec = next(
            one["spec"] for one in production if (one["kind"], one["metadata"]["name"]) == (kind, "model-server")
        )
        assert labels.items() >= spec[path]["matchLabels"].items()


def test_series_have_the_label_that_the_queries_of_the_canary_name(kserve, production):
    (endpoint,) = only("PodMonitor", production)["spec"]["podMetricsEndpoints"]
    (relabeling,) = endpoint["relabelings"]
    assert f"{relabeling['targetLabel']}=" in kserve.text("deploy/levels/level-2/canary/analysis.yaml")


def test_argo_cd_ignores_the_percentage_alone(kserve):
    (manifest,) = yaml.safe_load_all(kserve.text("deploy/argocd/applications.yaml"))
    assert problems(manifest) == []
    (ignored,) = manifest["spec"]["template"]["spec"]["ignoreDifferences"]
    assert ignored["jsonPointers"] == ["/spec/predictor/canaryTrafficPercent"]


def test_project_without_the_option_has_nothing_of_kserve(render):
    assert [path for path in render(maturity_level=2).files() if "kserve" in path] == []
