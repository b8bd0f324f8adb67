"""The platform for many teams, and the request for a project: valid, consistent, and with no more rights than they need."""

import copy
import json
import re
from collections.abc import Callable

import promql_parser as promql
import pytest
import yaml
from harness import backstage
from harness.act import play, without_tasks
from harness.kube import Manifest, built, lines, manifests, only, problems, schema
from harness.lifting import repository
from harness.projects import UNUSUAL
from harness.prometheus import filled_in, targets_of
from harness.template import Project
from harness.workflows import read

ANSWERS = [
    {"maturity_level": 3},
    {"maturity_level": 3, **UNUSUAL, "owner": "acme/on-call", "repository_url": "git@github.com:acme/On-Call.git"},
    {"maturity_level": 3, "project_slug": "a" * 50, "package_name": "long"},
]
each_answers = pytest.mark.parametrize("answers", ANSWERS, ids=["default", "unusual", "long"])
ARGOCD = "deploy/platform/argocd"
FOR_THE_PLATFORM = {"ResourceQuota", "LimitRange", "NetworkPolicy", "Role", "RoleBinding", "AppProject", "Namespace"}


@pytest.fixture
def project(render: Callable[..., Project]) -> Project:
    return render(maturity_level=3)


def sets(project: Project) -> list[Manifest]:
    """Return the ApplicationSets."""
    return manifests(project.path / ARGOCD / "applications.yaml")


def pointed(manifest: Manifest, pointer: str) -> object:
    """Return what a JSON pointer leads to."""
    found: object = manifest
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/")
        found = found[int(key)] if isinstance(found, list) else found[key]  # type: ignore[index]
    return found


@each_answers
def test_everything_is_strictly_valid(render, tool, answers):
    project = render(**answers)
    found = [one for folder in ("team", "namespace") for one in built(project, f"deploy/platform/{folder}", tool)]
    found += [*sets(project), *manifests(project.path / ARGOCD / "project.yaml")]
    assert [problem for one in found for problem in problems(one)] == []
    spoilt = copy.deepcopy(only("AppProject", found[:1]))
    spoilt["spec"]["namespaceResourceWhitelists"] = []
    assert len(problems(spoilt)) == 1


@each_answers
def test_file_of_the_projects_own_team_fits_its_names(render, answers):
    project = render(**answers)
    slug = project.answers["project_slug"]
    team = yaml.safe_load(project.text(f"teams/{slug}.yaml"))
    assert team["team"] == slug
    names = [namespace["name"] for namespace in team["namespaces"]]
    assert names == [f"{slug}-staging", f"{slug}-production"], "objectives and alerts are of these"
    assert all((project.path / namespace["folder"]).is_dir() for namespace in team["namespaces"])


def test_each_value_that_an_applicationset_sets_is_in_the_manifest(project, tool):
    checked = 0
    for one, folder in zip(sets(project)[:2], ("team", "namespace"), strict=True):
        source = one["spec"]["template"]["spec"]["source"]
        assert source["path"] == f"deploy/platform/{folder}"
        base = built(project, source["path"], tool)
        for patch in source["kustomize"]["patches"]:
            kind, name = patch["target"]["kind"], patch["target"].get("name", "")
            targets = [one for one in base if one["kind"] == kind and re.match(name, one["metadata"]["name"])]
            assert targets
            for operation, pointer in re.findall(r"op: (\w+),?\s+path: ([^\s,]+)", patch["patch"]):
                checked += 1
                for target in targets:
                    assert operation == "add" or pointed(target, pointer) is not None
    assert checked > 9


@pytest.mark.parametrize(
    "options", [{}, {"feature_store": "feast", "model_source": "oci"}, {"serving_platform": "kserve"}], ids=str
)
def test_team_may_deploy_all_that_a_level_has_but_what_the_platform_keeps(render, project, tool, options):
    allowed = {
        (one["group"], one["kind"])
        for one in only("AppProject", built(project, "deploy/platform/team", tool))["spec"][
            "namespaceResourceWhitelist"
        ]
    }
    assert not {kind for _, kind in allowed} & FOR_THE_PLATFORM
    deployed = {
        (one["apiVersion"].rpartition("/")[0], one["kind"])
        for environment in ("staging", "production")
        for one in built(render(maturity_level=3, **options), f"deploy/overlays/{environment}", tool)
    }
    (patch, *_) = sets(project)[2]["spec"]["template"]["spec"]["source"]["kustomize"]["patches"]
    assert {kind for _, kind in deployed - allowed} == set(patch["target"]["kind"].split("|"))


def test_platform_may_make_only_what_its_folders_have(project, tool):
    (allowed,) = manifests(project.path / ARGOCD / "project.yaml")
    spec = allowed["spec"]
    made = {
        one["kind"] for folder in ("team", "namespace") for one in built(project, f"deploy/platform/{folder}", tool)
    }
    assert {one["kind"] for one in spec["namespaceResourceWhitelist"]} == made - {"Namespace"}
    assert spec["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace"}]
    source = project.text("src/customer_churn/teams/files.py")
    (reserved,) = re.findall(r'^RESERVED = re.compile\(r"(.*)"\)', source, re.MULTILINE)
    refused = {one["name"].replace("*", ".*") for one in spec["clusterResourceBlacklist"]}
    assert refused == set(reserved.split("|"))
    assert spec["sourceRepos"] == [project.answers["repository_url"]]


def test_models_and_remediation_keep_what_the_manifests_that_are_left_out_allow(project, tool):
    found = built(project, "deploy/platform/namespace", tool)
    policies = [one for one in found if one["kind"] == "NetworkPolicy"]
    (own,) = manifests(project.path / "deploy/base/network-policy.yaml")
    allowed = [rule for policy in policies for rule in policy["spec"]["egress"]]
    assert all(rule in allowed for rule in own["spec"]["egress"])
    assert all(policy["spec"]["policyTypes"] == ["Ingress", "Egress"] for policy in policies)
    folder = project.path / "deploy/levels/level-3/remediation/access"
    for one in (one for name in ("permissions", "network-policy") for one in manifests(folder / f"{name}.yaml")):
        (same,) = (each for each in found if (each["kind"], each["metadata"]["name"]) == (one["kind"], "remediation"))
        assert {**same, "metadata": None} == {**one, "metadata": None}


def test_applications_deploy_to_their_namespace_in_the_project_of_their_team(project):
    teams, namespaces, models = (one["spec"]["template"]["spec"] for one in sets(project))
    assert [one["project"] for one in (teams, namespaces, models)] == ["platform", "platform", "team-{{ .team }}"]
    assert namespaces["destination"] == models["destination"]
    assert "CreateNamespace=true" not in models["syncPolicy"].get("syncOptions", [])
    for one in sets(project):
        assert one["spec"]["goTemplateOptions"] == ["missingkey=error"]
        assert one["spec"]["syncPolicy"] == {"preserveResourcesOnDeletion": True}
        assert one["spec"]["template"]["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}


@each_answers
def test_dashboard_by_team_is_one_that_grafana_takes(render, answers):
    dashboard = render(**answers).json("monitoring/dashboards/teams.json")
    assert lines(schema("grafana-dashboard-v11.6").iter_errors(dashboard)) == []
    expressions = [filled_in(expression) for expression in targets_of(dashboard)]
    assert len(expressions) == len(dashboard["panels"])
    for expression in expressions:
        promql.parse(expression)
        assert 'team=~"' in expression


def entities(project: Project) -> list[Manifest]:
    """Return what the project declares to Backstage."""
    return [*manifests(project.path / "catalog-info.yaml"), *manifests(project.path / "backstage/template.yaml")]


@each_answers
def test_backstage_takes_project_and_template(render, answers):
    project = render(**answers)
    found = entities(project)
    assert [one["kind"] for one in found] == ["Component", "Location", "Template"]
    assert [problem for one in found for problem in backstage.problems(one)] == []
    assert (project.path / found[1]["spec"]["target"]).exists()


@pytest.mark.parametrize(
    ("index", "part", "change", "problem"),
    [
        (0, "spec", {"owner": None}, "spec/owner: None is not of type 'string'"),
        (0, "spec", {"ownr": "x"}, "spec/ownr: there is no such key"),
        (0, "metadata", {"name": "a b/c"}, "metadata/name: 'a b/c' is not a name"),
        (0, "metadata", {"tags": "ml"}, "metadata/tags: 'ml' is not of type 'array'"),
        (2, "spec", {"steps": [{"id": "x"}]}, "spec/steps/0: 'action' is a required property"),
    ],
)
def test_entity_that_backstage_refuses_is_found(project, index, part, change, problem):
    spoilt = copy.deepcopy(entities(project)[index])
    spoilt[part] |= change
    assert problem in backstage.problems(spoilt)


@each_answers
def test_form_of_backstage_sends_the_inputs_of_the_workflow(render, answers):
    project = render(**answers)
    spec = entities(project)[2]["spec"]
    (step,) = spec["steps"]
    assert step["action"] == "github:actions:dispatch"
    workflow = read(project.path / ".github/workflows" / step["input"]["workflowId"])
    inputs = workflow["on"]["workflow_dispatch"]["inputs"]
    fields = {name: field for page in spec["parameters"] for name, field in page["properties"].items()}
    sent = {name: f"${{{{ parameters.{name} }}}}" for name in fields}
    assert step["input"]["workflowInputs"] == sent
    assert sent.keys() == inputs.keys()
    for name, one in inputs.items():
        assert one.get("options") == fields[name].get("enum")
        assert one.get("default") == fields[name].get("default")
    host, _, query = step["input"]["repoUrl"].partition("?")
    assert host == "github.com"
    assert re.fullmatch(r"owner=[\w-]+&repo=[\w.-]+", query)


def test_inputs_of_a_request_are_data_and_only_the_job_after_the_approval_gets_the_token(project, tmp_path):
    idle = repository(project, tmp_path / "idle")
    without_tasks(idle, "new-project.yml")
    path = idle.path / ".github/workflows/new-project.yml"
    path.write_text(path.read_text().replace("run: mkdir -p reports", "run: mkdir -p proposal"))
    idle.commit("Render nothing")
    inputs = {"project_name": "$(touch planted)", "repository": "acme/x", "team": "x", "maturity_level": "1"}
    played = play(idle, tmp_path / "played", "new-project.yml", "workflow_dispatch", inputs=inputs)
    assert played.jobs == {"New project/Render": "success", "New project/Publish": "success"}, played.printed
    render, publish = read(path)["jobs"].values()
    assert "${{" not in json.dumps([step.get("run") for job in (render, publish) for step in job["steps"]])
    assert "secrets." not in json.dumps(render)
    assert publish["environment"] == "new-project"
