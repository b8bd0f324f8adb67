"""What is deployed: strictly valid, as restricted as it can be, and consistent about names and ports."""

import copy as copying
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from harness.kube import OLDEST_KUBERNETES, Manifest, built, manifests, only, problems
from harness.next_level import with_next_level
from harness.projects import UNUSUAL
from harness.template import Project

ENVIRONMENTS = ["staging", "production"]
ANSWERS = [
    {"maturity_level": 1},
    {"maturity_level": 1, **UNUSUAL},
    {"maturity_level": 2},
    {"maturity_level": 3},
    {"maturity_level": 1, "repository_url": "git@git.example.com:Group/churn.git"},
]


@pytest.fixture(scope="module")
def deployed(render: Callable[..., Project], tool: Callable[[str], str]) -> Callable[[str], list[Manifest]]:
    """Return what the default project has in an environment."""
    cache: dict[str, list[Manifest]] = {}

    def deployed(environment: str) -> list[Manifest]:
        if environment not in cache:
            cache[environment] = built(render(maturity_level=1), f"deploy/overlays/{environment}", tool)
        return cache[environment]

    return deployed


@pytest.fixture
def argocd(render: Callable[..., Project]) -> list[Manifest]:
    """Return the manifests for Argo CD."""
    folder = render(maturity_level=1).path / "deploy" / "argocd"
    return [manifest for path in sorted(folder.iterdir()) for manifest in manifests(path)]


def applications(project: Project) -> list[Manifest]:
    """Return the applications that Argo CD makes: one for each folder that the ApplicationSet finds."""
    (declared,) = manifests(project.path / "deploy" / "argocd" / "applications.yaml")
    (generator,) = declared["spec"]["generators"]
    folders = [path for each in generator["git"]["directories"] for path in sorted(project.path.glob(each["path"]))]
    return [application(declared["spec"]["template"], folder.relative_to(project.path)) for folder in folders]


def application(template: Manifest, folder: Path) -> Manifest:
    text = yaml.safe_dump(template)
    text = text.replace("{{ .path.basename }}", folder.name).replace("{{ .path.path }}", folder.as_posix())
    made = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **yaml.safe_load(text)}
    assert "{{" not in json.dumps(made)
    return made


def container(of: list[Manifest]) -> dict[str, Any]:
    (found,) = pod(of)["containers"]
    return found


def pod(of: list[Manifest]) -> dict[str, Any]:
    """Return the pod of the server, which a Rollout has from level 2 on."""
    (found,) = (each for each in of if each["kind"] in {"Deployment", "Rollout"})
    return found["spec"]["template"]["spec"]


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return bool(selector) and selector.items() <= labels.items()


@pytest.mark.parametrize(
    "answers", ANSWERS, ids=lambda answers: answers.get("project_slug", f"level-{answers['maturity_level']}")
)
def test_everything_is_strictly_valid(render, tool, subtests, answers):
    project = render(**answers)
    found = [
        manifest for environment in ENVIRONMENTS for manifest in built(project, f"deploy/overlays/{environment}", tool)
    ]
    found += [manifest for path in (project.path / "deploy" / "argocd").iterdir() for manifest in manifests(path)]
    for manifest in [*found, *applications(project)]:
        with subtests.test(f"{manifest['kind']} {manifest['metadata']['name']}"):
            assert problems(manifest) == []


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", "spec.template.spec.containers.0.imagee", "typo"),
        ("Deployment", "spec.template.spec.containers.0.ports.0.containerPort", "8080"),
        ("HorizontalPodAutoscaler", "spec.maxReplica", 10),
        ("ServiceMonitor", "spec.endpoints.0.pathh", "/metrics"),
        ("PrometheusRule", "spec.groups.0.rules.0.exprr", "up"),
        ("AppProject", "spec.sourceRepo", []),
        ("ApplicationSet", "spec.template.spec.syncPolicy.automated.prun", True),
    ],
)
def test_a_typing_error_is_found(deployed, argocd, kind, path, value):
    spoilt = copying.deepcopy(only(kind, [*deployed("production"), *argocd]))
    *steps, key = path.split(".")
    inner: Any = spoilt
    for step in steps:
        inner = inner[int(step) if step.isdigit() else step]
    inner[key] = value
    assert len(problems(spoilt)) == 1


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_pods_are_restricted(deployed, environment):
    deployment = only("Deployment", deployed(environment))
    pod, (server,) = deployment["spec"]["template"]["spec"], deployment["spec"]["template"]["spec"]["containers"]
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert server["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert [volume.keys() for volume in pod["volumes"]] == [{"name", "emptyDir"}]
    assert [mount["mountPath"] for mount in server["volumeMounts"]] == ["/tmp"]
    assert server["resources"]["limits"]["memory"]
    assert server["resources"]["requests"].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_selectors_find_the_pods(deployed, environment):
    found = deployed(environment)
    pods = only("Deployment", found)["spec"]["template"]["metadata"]["labels"]
    assert pods["app.kubernetes.io/name"] == "customer-churn"
    assert selects(only("Deployment", found)["spec"]["selector"]["matchLabels"], pods)
    assert selects(only("Service", found)["spec"]["selector"], pods)
    assert selects(only("PodDisruptionBudget", found)["spec"]["selector"]["matchLabels"], pods)
    assert selects(only("NetworkPolicy", found)["spec"]["podSelector"]["matchLabels"], pods)
    (spread,) = only("Deployment", found)["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert selects(spread["labelSelector"]["matchLabels"], pods)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_all_parts_use_the_port_by_its_name(deployed, environment):
    found = deployed(environment)
    server = container(found)
    assert server["ports"] == [{"name": "http", "containerPort": 8080}]
    probes = {name: server[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert {probe["port"] for probe in probes.values()} == {"http"}
    assert probes["livenessProbe"]["path"] == "/v2/health/live"
    assert probes["readinessProbe"]["path"] == "/v2/health/ready"
    (port,) = only("Service", found)["spec"]["ports"]
    assert (port["name"], port["targetPort"]) == ("http", "http")
    (allowed,) = only("NetworkPolicy", found)["spec"]["ingress"]
    assert allowed["ports"] == [{"port": "http"}]


def test_prometheus_finds_the_service_and_calls_it_by_the_name_of_the_project(deployed):
    found = deployed("production")
    monitor, service = only("ServiceMonitor", found)["spec"], only("Service", found)
    (endpoint,) = monitor["endpoints"]
    assert selects(monitor["selector"]["matchLabels"], service["metadata"]["labels"])
    assert endpoint["port"] == service["spec"]["ports"][0]["name"]
    assert endpoint["path"] == "/metrics"
    assert service["metadata"]["labels"][monitor["jobLabel"]] == "customer-churn"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_two_to_ten_servers_run_by_load_and_one_goes_at_a_time(deployed, environment):
    found = deployed(environment)
    scaler, deployment = only("HorizontalPodAutoscaler", found)["spec"], only("Deployment", found)
    assert scaler["scaleTargetRef"].items() <= {**deployment, "name": deployment["metadata"]["name"]}.items()
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 10)
    assert [metric["resource"] for metric in scaler["metrics"]] == [
        {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    ]
    assert "replicas" not in deployment["spec"]
    assert only("PodDisruptionBudget", found)["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize(("environment", "alias"), [("staging", "challenger"), ("production", "champion")])
def test_environment_serves_the_model_of_its_alias(deployed, environment, alias):
    found = deployed(environment)
    settings = only_settings(found)
    assert container(found)["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
    assert settings["data"]["SERVING_ALIASES"] == alias


def only_settings(of: list[Manifest]) -> Manifest:
    (found,) = (each for each in of if each["kind"] == "ConfigMap" and "SERVING_ALIASES" in each["data"])
    return found


def test_pods_may_reach_mlflow_at_its_configured_address(deployed):
    found = deployed("production")
    address = urlsplit(only_settings(found)["data"]["MLFLOW_TRACKING_URI"])
    assert address.hostname is not None
    namespace = {"kubernetes.io/metadata.name": address.hostname.split(".")[1]}
    ports = [
        port["port"]
        for rule in only("NetworkPolicy", found)["spec"]["egress"]
        for peer in rule.get("to", [])
        if peer["namespaceSelector"]["matchLabels"] == namespace
        for port in rule["ports"]
    ]
    assert ports == [address.port]


def test_image_is_the_same_in_all_environments_and_follows_the_repository(render, tool):
    project = render(**ANSWERS[1])
    images = {container(built(project, f"deploy/overlays/{each}", tool))["image"] for each in ENVIRONMENTS}
    assert images == {"registry.gitlab.com/group/sub/on-call:main"}


def test_a_digest_in_an_overlay_decides_which_image_runs(project, tool):
    changed, digest = project(maturity_level=1), f"sha256:{'ab' * 32}"
    path = changed.path / "deploy/overlays/staging/image/kustomization.yaml"
    component = yaml.safe_load(path.read_text())
    component["images"][0]["digest"] = digest
    path.write_text(yaml.safe_dump(component))
    assert container(built(changed, "deploy/overlays/staging", tool))["image"].endswith(f"@{digest}")
    assert digest not in container(built(changed, "deploy/overlays/production", tool))["image"]


def test_argo_cd_deploys_each_folder_of_overlays_to_a_namespace_of_its_own(render):
    project = render(maturity_level=1)
    found = applications(project)
    assert {each["metadata"]["name"] for each in found} == {f"customer-churn-{name}" for name in ENVIRONMENTS}
    for each in found:
        spec = each["spec"]
        assert (project.path / spec["source"]["path"] / "kustomization.yaml").exists()
        assert spec["destination"]["namespace"] == each["metadata"]["name"]
        assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
        assert "CreateNamespace=true" in spec["syncPolicy"]["syncOptions"]
        labels = spec["syncPolicy"]["managedNamespaceMetadata"]["labels"]
        assert labels == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_argo_cd_lets_the_project_deploy_from_its_repository_to_its_namespaces_only(render):
    project = render(maturity_level=1)
    (allowed,) = manifests(project.path / "deploy/argocd/project.yaml")
    url = project.answers["repository_url"]
    assert allowed["spec"]["sourceRepos"] == [url]
    assert [each["namespace"] for each in allowed["spec"]["destinations"]] == ["customer-churn-*"]
    for each in applications(project):
        assert each["spec"]["project"] == allowed["metadata"]["name"]
        assert each["spec"]["source"]["repoURL"] == url


def test_automatic_sync_of_one_application_can_be_switched_off(argocd):
    ignored = only("ApplicationSet", argocd)["spec"]["ignoreApplicationDifferences"]
    assert ignored == [{"jsonPointers": ["/spec/syncPolicy"]}]


def test_rules_and_dashboard_come_once_and_watch_every_environment(deployed):
    assert "PrometheusRule" not in {manifest["kind"] for manifest in deployed("staging")}
    assert only("PrometheusRule", deployed("production"))["spec"]["groups"]
    dashboards = dashboards_in(deployed("production"))
    assert json.loads(dashboards["model-server.json"])["panels"]
    assert dashboards_in(deployed("staging")) == {}


def dashboards_in(found: list[Manifest]) -> dict[str, str]:
    """Return what Grafana's sidecar finds."""
    return {
        name: content
        for each in found
        if each["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
        for name, content in each["data"].items()
    }


def test_levels_change_nothing_in_an_environment_of_level_1_but_a_label(project, deployed, tool):
    without = project(maturity_level=1)
    for environment in ENVIRONMENTS:
        path = without.path / f"deploy/overlays/{environment}/kustomization.yaml"
        path.write_text(re.sub(r"  - ../../levels.*\n", "", path.read_text()))
        expected = built(without, f"deploy/overlays/{environment}", tool)
        for each in expected:
            each["metadata"]["labels"]["app.kubernetes.io/part-of"] = "customer-churn"
        assert deployed(environment) == expected


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_level_adds_components_to_all_environments_or_to_production(project, tool, environment):
    found = built(with_next_level(project(maturity_level=1)), f"deploy/overlays/{environment}", tool)
    assert [problem for each in found for problem in problems(each)] == []
    assert only("Service", found)["metadata"]["annotations"] == {"next": "everywhere"}
    budget = only("PodDisruptionBudget", found)["metadata"].get("annotations", {})
    assert budget == ({"next": "in-production"} if environment == "production" else {})


def test_a_level_adds_rules_and_dashboards_to_production_alone(project, tool):
    lifted = with_next_level(project(maturity_level=1))
    staging, production = (built(lifted, f"deploy/overlays/{environment}", tool) for environment in ENVIRONMENTS)
    rules = [each["metadata"]["name"] for each in production if each["kind"] == "PrometheusRule"]
    assert sorted(rules) == ["model-server", "next"]
    assert dashboards_in(production).keys() == {"model-server.json", "next.json"}
    assert "PrometheusRule" not in {each["kind"] for each in staging}
    assert dashboards_in(staging) == {}


def test_argo_cd_deletes_a_replaced_deployment_only_when_its_successor_is_healthy(deployed):
    for environment in ENVIRONMENTS:
        annotations = only("Deployment", deployed(environment))["metadata"]["annotations"]
        assert annotations["argocd.argoproj.io/sync-options"] == "PruneLast=true"


def test_the_revert_of_the_runbook_brings_the_image_back(project, tool):
    changed = project(maturity_level=1)
    changed.run("git", "init", "--quiet")
    changed.commit("Start")
    before = built(changed, "deploy/overlays/production", tool)
    path = changed.path / "deploy/overlays/production/image/kustomization.yaml"
    path.write_text(path.read_text().replace("newTag: main", f"digest: sha256:{'cd' * 32}"))
    changed.commit("Take the new image to production")
    assert built(changed, "deploy/overlays/production", tool) != before
    path = changed.path / "deploy/overlays/production/kustomization.yaml"
    path.write_text(f"{path.read_text()}# Ours\n")
    changed.commit("Change something else in production")
    (revert,) = re.findall(r"^git revert .*$", changed.text("docs/runbooks/roll-back.md"), re.MULTILINE)
    changed.run("bash", "-c", revert)
    assert built(changed, "deploy/overlays/production", tool) == before


def test_runbook_names_the_oldest_kubernetes_that_the_manifests_are_checked_for(render):
    runbook = render(maturity_level=1).text("docs/runbooks/deploy.md")
    assert f"Kubernetes {OLDEST_KUBERNETES} or newer" in runbook


def test_a_first_champion_comes_by_the_same_commands_to_a_cluster_and_to_the_stack_on_one_machine(render):
    project = render(maturity_level=1)
    (_, in_cluster) = project.text("docs/runbooks/deploy.md").split("**A champion.**")
    stack = re.findall(r"MLFLOW_TRACKING_URI=\S+ (uv run poe .*)", project.text("docs/runbooks/stack.md"))
    assert stack == re.findall(r"^ +(uv run poe .*)$", in_cluster, re.MULTILINE)


def test_runbooks_name_only_files_that_there_are(render):
    project = render(maturity_level=1)
    for runbook in (project.path / "docs" / "runbooks").iterdir():
        text = runbook.read_text(encoding="utf-8")
        for name in re.findall(r"`(deploy/[\w./-]+)`|\]\(([\w.-]+\.md)\)", text):
            assert (project.path / name[0]).exists(), name
            assert (runbook.parent / name[1]).exists(), name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_retraining_runs_one_at_a_time_with_the_permissions_of_the_server(render, tool, environment):
    found = built(render(maturity_level=2), f"deploy/overlays/{environment}", tool)
    job = only("CronJob", found)["spec"]
    own = job["jobTemplate"]["spec"]["template"]["spec"]
    (retrain,) = own["containers"]
    assert job["concurrencyPolicy"] == "Forbid"
    assert own["securityContext"] == pod(found)["securityContext"] | {"fsGroup": 10001}
    assert retrain["securityContext"] == container(found)["securityContext"]
    assert "uv run --locked poe ci-retrain" in retrain["args"][0]
    config = next(one["configMapRef"]["name"] for one in retrain["envFrom"] if "configMapRef" in one)
    assert config in {one["metadata"]["name"] for one in found if one["kind"] == "ConfigMap"}


def test_address_of_a_private_repository_comes_from_the_secret(render, tool, subtests):
    """A value in `env` hides one of the same name in `envFrom`."""
    for each in built(render(maturity_level=3), "deploy/overlays/production", tool):
        if each["kind"] not in {"CronJob", "Deployment"}:
            continue
        template = each["spec"].get("jobTemplate", each)["spec"]["template"]["spec"]
        with subtests.test(each["metadata"]["name"]):
            (container,) = template["containers"]
            assert {"secretRef": {"name": each["metadata"]["name"]}} in container["envFrom"]
            assert "REPOSITORY" not in {one["name"] for one in container.get("env", [])}
            assert 'git clone --quiet "${REPOSITORY:-https://' in container["args"][0]
