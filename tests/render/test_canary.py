"""The canary of level 2: one pod template, one autoscaler, and an analysis that decides by what it has measured alone."""

import re
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.kube import Manifest, built, manifests, only, problems, with_istio
from harness.template import Project
from promql_parser import parse

COMPONENT = "deploy/levels/level-2/canary"
ROLLOUT = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "model-server"}
FORM = re.compile(r"len\(result\) == 0 \|\| isNaN\(result\[0\]\) \|\| result\[0\] <= \{\{args\.(max-[a-z0-9-]+)\}\}")
HASHES = {"canary-hash": "new", "stable-hash": "old"}
NAMESPACE = "production|"  # or none


@pytest.fixture(scope="module")
def production(render: Callable[..., Project], tool: Callable[[str], str]) -> list[Manifest]:
    """Return what level 2 has in production."""
    return built(render(maturity_level=2), "deploy/overlays/production", tool)


@pytest.fixture(scope="module")
def metrics(production: list[Manifest]) -> dict[str, Any]:
    """Return the metrics of the analysis by name."""
    return {metric["name"]: metric for metric in only("AnalysisTemplate", production)["spec"]["metrics"]}


@pytest.fixture(scope="module")
def limits(production: list[Manifest]) -> dict[str, str]:
    """Return the arguments of the analysis that have a value."""
    return {arg["name"]: arg["value"] for arg in only("AnalysisTemplate", production)["spec"]["args"] if "value" in arg}


def query(metric: dict[str, Any], limits: dict[str, str]) -> str:
    """Return the query of a metric as the controller sends it."""
    arguments = {**limits, **HASHES, "namespace": NAMESPACE}
    return re.sub(
        r"\{\{args\.([a-z0-9-]+)\}\}", lambda match: arguments[match[1]], metric["provider"]["prometheus"]["query"]
    )


def test_production_has_a_rollout_with_the_pods_of_the_deployment(production, render, tool):
    staging = built(render(maturity_level=2), "deploy/overlays/staging", tool)
    assert {"Rollout", "AnalysisTemplate"} & {each["kind"] for each in staging} == set()
    assert "Deployment" not in {each["kind"] for each in production}
    rollout, deployment = only("Rollout", production), only("Deployment", staging)
    assert rollout["spec"]["selector"] == deployment["spec"]["selector"]
    (settings,) = (each for each in production if each["kind"] == "ConfigMap" and "SERVING_ALIASES" in each["data"])
    (server,) = rollout["spec"]["template"]["spec"]["containers"]
    assert server["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
    (other,) = deployment["spec"]["template"]["spec"]["containers"]
    assert server | {"envFrom": []} == other | {"envFrom": []}
    assert "workloadRef" not in rollout["spec"]
    assert [problem for each in production for problem in problems(each)] == []


def test_edits_of_the_deployment_reach_the_rollout_with_what_is_generated(project, tool):
    changed = project(maturity_level=2)
    path = changed.path / "deploy/base/deployment.yaml"
    added = (
        "          env:\n            - { name: OURS, valueFrom: { configMapKeyRef: { name: model-server, key: X } } }\n"
    )
    path.write_text(path.read_text().replace("          ports:\n", f"{added}          ports:\n"))
    found = built(changed, "deploy/overlays/production", tool)
    (server,) = only("Rollout", found)["spec"]["template"]["spec"]["containers"]
    name = server["envFrom"][0]["configMapRef"]["name"]
    assert server["env"] == [{"name": "OURS", "valueFrom": {"configMapKeyRef": {"name": name, "key": "X"}}}]


def test_the_one_autoscaler_scales_the_rollout_and_git_sets_no_replicas(production):
    scaler, rollout = only("HorizontalPodAutoscaler", production)["spec"], only("Rollout", production)["spec"]
    assert scaler["scaleTargetRef"] == ROLLOUT
    assert "replicas" not in rollout
    assert scaler["maxReplicas"] > scaler["minReplicas"]


def test_first_step_is_a_whole_number_of_pods(production):
    """Without a traffic router, a weight is a share of the pods."""
    steps = only("Rollout", production)["spec"]["strategy"]["canary"]["steps"]
    weights = [step["setWeight"] for step in steps if "setWeight" in step]
    assert weights == [10, 25, 50]
    assert only("HorizontalPodAutoscaler", production)["spec"]["minReplicas"] * weights[0] % 100 == 0
    assert [step["pause"] for step in steps if "pause" in step] == [{"duration": "1h"}] * 3


def test_pause_is_set_in_one_place(render):
    text = render(maturity_level=2).text(f"{COMPONENT}/rollout.yaml")
    assert text.count("duration:") == 1


def test_a_rollout_is_deleted_only_when_its_successor_is_healthy(production):
    annotations = only("Rollout", production)["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/sync-options"] == "PruneLast=true"


def test_series_have_the_hash_of_the_queries(production, metrics):
    assert only("ServiceMonitor", production)["spec"]["podTargetLabels"] == ["rollouts-pod-template-hash"]
    label = re.compile(r'rollouts_pod_template_hash="\{\{args\.(?:canary|stable)-hash\}\}"')
    for metric in metrics.values():
        text = metric["provider"]["prometheus"]["query"]
        series = re.findall(r"(?:inference|prediction)_\w+\{", text)
        assert len(series) == len(label.findall(text))


def test_every_metric_has_the_form_that_no_data_never_fails(metrics, production, limits):
    assert [*metrics] == ["errors", "latency", "predictions"]
    for metric in metrics.values():
        matched = FORM.fullmatch(metric["successCondition"])
        assert matched
        assert matched[1] in limits
        assert metric.keys() == {"name", "initialDelay", "interval", "failureLimit", "successCondition", "provider"}
        parse(query(metric, limits))
    given = {arg["name"] for arg in only("Rollout", production)["spec"]["strategy"]["canary"]["analysis"]["args"]}
    assert given == HASHES.keys() | {"namespace"}, "the other arguments have values"


def test_limits_are_those_of_the_alerts(limits, render):
    assert (limits["max-error-ratio"], limits["max-p99-seconds"]) == ("0.01", "0.5")
    assert "0.5 is the limit in the alert rules" in render(maturity_level=2).text(
        "src/customer_churn/serving/prometheus.py"
    )


def requests(version: str, code: int, each_minute: int, namespace: str = "production") -> dict[str, str]:
    """Return the series of responses that a version sends each minute."""
    labels = f'model="churn",namespace="{namespace}",rollouts_pod_template_hash="{version}",code="{code}"'
    return {"series": f"inference_requests_total{{{labels}}}", "values": f"0+{each_minute}x10"}


def predictions(version: str, each_minute: int, mean: float, model: str = "churn") -> list[dict[str, str]]:
    """Return the series of predictions that a version makes each minute."""
    labels = f'model="{model}",rollouts_pod_template_hash="{version}"'
    return [
        {"series": f"prediction_value_sum{{{labels}}}", "values": f"0+{each_minute * mean}x10"},
        {"series": f"prediction_value_count{{{labels}}}", "values": f"0+{each_minute}x10"},
    ]


def latencies(version: str, fast: int, slow: int) -> list[dict[str, str]]:
    """Return the series of response times of a version: up to 10 ms, or between 0.5 and 1 s."""
    counts = {"0.01": fast, "0.5": fast, "1": fast + slow, "+Inf": fast + slow}
    labels = f'model="churn",rollouts_pod_template_hash="{version}"'
    return [
        {"series": f'inference_request_duration_seconds_bucket{{{labels},le="{le}"}}', "values": f"0+{count}x10"}
        for le, count in counts.items()
    ]


CASES: dict[str, tuple[str, list[dict[str, str]], float | None]] = {
    "no error ever is a ratio of 0": ("errors", [requests("new", 200, 100)], 0),
    "errors alone": ("errors", [requests("new", 500, 100)], 1),
    "a part": ("errors", [requests("new", 200, 95), requests("new", 503, 5)], 0.05),
    "errors in another environment": ("errors", [requests("new", 500, 100, "x"), requests("new", 200, 100)], 0),
    "errors of the old version": ("errors", [requests("old", 500, 100), requests("new", 200, 100)], 0),
    "client errors": ("errors", [requests("new", 422, 50), requests("new", 200, 50)], 0),
    "too few requests for errors": ("errors", [requests("new", 500, 10)], None),
    "no traffic": ("errors", [requests("new", 200, 0)], None),
    "no series": ("errors", [], None),
    "fast": ("latency", [requests("new", 200, 100), *latencies("new", 100, 0)], 0.0099),
    "slow": ("latency", [requests("new", 200, 100), *latencies("new", 90, 10)], 0.95),
    "too few requests for latency": ("latency", [requests("new", 200, 10), *latencies("new", 5, 5)], None),
    "no latency": ("latency", [requests("new", 200, 0), *latencies("new", 0, 0)], None),
    "same predictions": ("predictions", [*predictions("old", 900, 0.3), *predictions("new", 100, 0.3)], 0),
    "shifted predictions": ("predictions", [*predictions("old", 900, 0.3), *predictions("new", 100, 0.45)], 0.5),
    "one of two models": (
        "predictions",
        [
            *predictions("old", 900, 0.3),
            *predictions("new", 100, 0.15),
            *predictions("old", 900, 5000, "value"),
            *predictions("new", 100, 5000, "value"),
        ],
        0.5,
    ),
    "no traffic on the old version": ("predictions", [*predictions("old", 0, 0), *predictions("new", 100, 0.3)], None),
    "too few predictions": ("predictions", [*predictions("old", 900, 0.3), *predictions("new", 10, 0.9)], None),
}


def test_queries_return_a_value_or_nothing(metrics, limits, tool, tmp_path):
    """Neither NaN nor an error: by the tests of rules that Prometheus has."""
    rules = [{"record": f"analysis:{name}", "expr": query(metric, limits)} for name, metric in metrics.items()]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "analysis", "rules": rules}]}))
    tests = [
        {
            "name": name,
            "interval": "1m",
            "input_series": series,
            "promql_expr_test": [
                {
                    "expr": f"round(analysis:{metric} * 10000) / 10000",
                    "eval_time": "10m",
                    "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
                }
            ],
        }
        for name, (metric, series, value) in CASES.items()
    ]
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests}))
    done = subprocess.run(
        [tool("promtool"), "test", "rules", tmp_path / "tests.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_first_releases_may_only_be_observed(project, tool):
    """The comment in the file is what the runbook describes."""
    changed = project(maturity_level=2)
    path: Path = changed.path / COMPONENT / "rollout.yaml"
    (on,) = re.findall(r"dryRun: \[\] # (\[.*?\]) only observes", path.read_text())
    path.write_text(path.read_text().replace("dryRun: []", f"dryRun: {on}"))
    rollout = only("Rollout", built(changed, "deploy/overlays/production", tool))
    assert rollout["spec"]["strategy"]["canary"]["analysis"]["dryRun"] == [{"metricName": ".*"}]
    assert problems(rollout) == []


def test_prediction_log_of_the_runbook_reaches_the_pods_beside_the_alias(project, tool):
    changed = project(maturity_level=2)
    (block,) = re.findall(
        r"^   ```yaml\n(   configMapGenerator:\n.*?)^   ```",
        changed.text("docs/runbooks/canary.md"),
        re.MULTILINE | re.DOTALL,
    )
    path = changed.path / "deploy/overlays/production/kustomization.yaml"
    path.write_text(path.read_text() + textwrap.dedent(block))
    found = built(changed, "deploy/overlays/production", tool)
    (server,) = only("Rollout", found)["spec"]["template"]["spec"]["containers"]
    name = server["envFrom"][0]["configMapRef"]["name"]
    (settings,) = [each["data"] for each in found if each["kind"] == "ConfigMap" and each["metadata"]["name"] == name]
    assert settings["PREDICTION_LOG_PLACE"].startswith("s3://")
    assert settings["SERVING_ALIASES"] == "champion"


def test_with_istio_a_weight_is_a_share_of_the_requests_of_two_pods(project, tool):
    found = built(with_istio(project(maturity_level=2)), "deploy/overlays/production", tool)
    assert [problem for each in found for problem in problems(each)] == []
    canary = only("Rollout", found)["spec"]["strategy"]["canary"]
    routed = only("VirtualService", found)
    services = {each["metadata"]["name"]: each for each in found if each["kind"] == "Service"}
    assert canary["trafficRouting"]["istio"]["virtualService"] == {
        "name": routed["metadata"]["name"],
        "routes": [route["name"] for route in routed["spec"]["http"]],
    }
    (route,) = routed["spec"]["http"]
    weights = {each["destination"]["host"]: each["weight"] for each in route["route"]}
    assert weights == {canary["stableService"]: 100, canary["canaryService"]: 0}
    assert weights.keys() <= services.keys()
    assert routed["spec"]["hosts"] == ["model-server"]
    monitored = only("ServiceMonitor", found)["spec"]["selector"]["matchLabels"]
    scraped = [
        name for name, each in services.items() if monitored.items() <= each["metadata"].get("labels", {}).items()
    ]
    assert scraped == ["model-server"]
    assert only("HorizontalPodAutoscaler", found)["spec"]["minReplicas"] == 2


def test_a_typing_error_in_the_analysis_is_found(render):
    (template,) = manifests(render(maturity_level=2).path / COMPONENT / "analysis.yaml")
    template["spec"]["metrics"][0]["failureLimits"] = 1
    assert len(problems(template)) == 1
