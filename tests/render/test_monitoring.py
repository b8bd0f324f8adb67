"""The alert rules and the dashboard: well-formed, and about metrics that the server has."""

import copy
import re
from collections.abc import Callable, Iterator
from itertools import combinations

import promql_parser as promql
import pytest
import yaml
from harness.kube import lines, schema
from harness.prometheus import dashboards_of, filled_in, rules_of, targets_of
from harness.template import Project

DASHBOARD = "monitoring/dashboards/model-server.json"
# The metrics of the server, each with its labels.
METRICS = {
    "inference_requests_total": {"model", "version", "code"},
    "inference_request_duration_seconds_bucket": {"model", "version", "le"},
    "prediction_value_bucket": {"model", "version", "le"},
    "prediction_value_count": {"model", "version"},
    "prediction_value_sum": {"model", "version"},
    "model_info": {"model", "version", "fast_path"},
    "model_ready": {"model"},
    "model_reloads_total": {"model", "outcome"},
    "up": set(),
}
# What Prometheus adds, and what the recorded rules keep.
FROM_PROMETHEUS = {"__name__", "job", "namespace", "instance", "pod"}
RECORDED = {"job", "namespace", "model"}


@pytest.fixture
def project(render: Callable[..., Project]) -> Project:
    return render(maturity_level=1)


def expressions(project: Project) -> list[str]:
    found = [rule["expr"] for rule in rules_of(project)]
    dashboards = dashboards_of(project).values()
    return found + [filled_in(expression) for dashboard in dashboards for expression in targets_of(dashboard)]


def selectors(expression: str) -> Iterator[tuple[str, set[str], str]]:
    """Yield metric and labels of each selector, and the text of its matchers."""
    for name, matchers in re.findall(r"([a-z_:][\w:]*)(\{[^}]*\})", expression):
        yield name, set(re.findall(r"(\w+)(?:=~|!~|!=|=)", matchers)), matchers


def test_every_expression_is_promql(project):
    for expression in expressions(project):
        promql.parse(expression)


def test_expressions_name_metrics_and_labels_of_the_server(project):
    known = METRICS | {rule["record"]: RECORDED for rule in rules_of(project) if "record" in rule}
    for expression in expressions(project):
        found = list(selectors(expression))
        assert found, f"{expression} selects nothing"
        for name, labels, _ in found:
            assert labels <= known[name] | FROM_PROMETHEUS, expression


def test_every_metric_of_the_server_is_looked_at(project):
    asked = {name for expression in expressions(project) for name, _, _ in selectors(expression)}
    assert asked >= METRICS.keys()


def test_expressions_concern_this_project_alone(project):
    for expression in expressions(project):
        for name, _, matchers in selectors(expression):
            assert 'job="customer-churn"' in matchers, f"{name} in {expression}"


def test_alerts_have_severity_summary_and_duration(project):
    alerts = [rule for rule in rules_of(project) if "alert" in rule]
    assert {alert["labels"]["severity"] for alert in alerts} == {"page", "ticket"}
    assert all(alert["annotations"]["summary"] for alert in alerts)
    assert all(alert["for"] for alert in alerts)


@pytest.mark.parametrize(
    "answers",
    [
        {"maturity_level": 1},
        {"maturity_level": 2},
        {"maturity_level": 3},
        {"maturity_level": 2, "feature_store": "feast"},
    ],
    ids=str,
)
def test_every_alert_links_to_the_part_of_a_runbook_that_names_it(render, answers):
    project = render(**answers, repository_url="git@github.com:team/churn.git")
    for rule in (rule for rule in rules_of(project) if "alert" in rule):
        address, _, page = rule["annotations"]["runbook_url"].partition("/blob/main/")
        assert address == "https://github.com/team/churn"
        path, _, anchor = page.partition("#")
        text = project.text(path)
        headings = [title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]
        assert rule["alert"] in text, path
        assert not anchor or anchor in headings, page


@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_alert_has_a_test_in_which_it_fires(render, level):
    project = render(maturity_level=level)
    tests = [
        test
        for path in (project.path / "monitoring" / "tests").iterdir()
        for each in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
        for test in each.get("alert_rule_test", [])
    ]
    fire = {test["alertname"] for test in tests if test.get("exp_alerts")}
    assert fire == {rule["alert"] for rule in rules_of(project) if "alert" in rule}


def test_dashboards_are_those_that_grafana_takes(render, project):
    for found in dashboards_of(render(maturity_level=3)).values():
        assert lines(schema("grafana-dashboard-v11.6").iter_errors(found)) == []
    dashboard = project.json(DASHBOARD)
    assert lines(schema("grafana-dashboard-v11.6").iter_errors(dashboard)) == []
    spoilt = copy.deepcopy(dashboard)
    spoilt["panels"][0]["gridPos"]["hight"] = 4
    assert lines(schema("grafana-dashboard-v11.6").iter_errors(spoilt))


@pytest.mark.parametrize("name", ["model-server.json", "slo.json"])
def test_panels_of_a_dashboard_do_not_overlap(render, name):
    panels = dashboards_of(render(maturity_level=3))[name]["panels"]
    cells = [
        {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        for at in (panel["gridPos"] for panel in panels)
    ]
    assert all(not one & other for one, other in combinations(cells, 2))
    assert max(x for panel in cells for x, _ in panel) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_names_in_any_script_stay_as_they_are_in_the_dashboard(render):
    project = render(maturity_level=1, project_name='Étude "Ça va"', project_slug="etude")
    assert project.json(DASHBOARD)["title"] == 'Étude "Ça va"'
