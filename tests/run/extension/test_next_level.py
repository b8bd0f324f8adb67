"""Every extension point of level 1, used by a level that does not exist yet, and run for real.

Levels 2 and 3 use each of them in each run, so that this one is `long`.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from copier import run_copy
from harness.docker import PROGRAMS, engine, import_stand_ins
from harness.kube import built, only
from harness.next_level import NEXT, add_next_level
from harness.projects import change
from harness.server import Server, eventually, serving
from harness.template import Project

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def project(template: Path, set_up: Callable[[Project], None], disk: Path) -> Project:
    """Return a project at the next level, after its first pipeline."""
    folder = Path(tempfile.mkdtemp(dir=disk))
    clone = add_next_level(template, folder / "copier-mlops")
    answers = {"maturity_level": NEXT, "project_slug": "customer-churn", "package_name": "customer_churn"}
    run_copy(str(clone), folder / "project", answers, vcs_ref="HEAD", defaults=True, unsafe=True, quiet=True)
    project = Project(folder / "project", answers)
    set_up(project)
    change(project, "config/serving.yaml", aliases=["champion", "challenger"], reload_seconds=0.5, drain_seconds=0)
    project.poe("pipeline")
    project.commit("First model")
    return project


def test_stages_of_all_dvc_yaml_run_and_git_keeps_their_small_results(project):
    assert project.json("reports/next.json")["metrics"] == len(project.json("reports/metrics.json"))
    assert "reports/next.json" in project.run("git", "ls-files").stdout.splitlines()


def test_report_has_the_section_of_the_level(project):
    page = project.text("reports/index.html")
    assert "<h2>What is next</h2>" in page
    assert f"<em>level {NEXT}</em>" in page


def test_registration_check_of_the_level_rejects_a_model(project):
    before = project.text("params.yaml")
    try:
        change(project, "params.yaml", seed=2_000)
        assert "the seed is too high" in project.poe("pipeline", rc=None).stderr
    finally:
        (project.path / "params.yaml").write_text(before)
        project.run("uv", "run", "dvc", "checkout", "--quiet", "--force")


def test_promotion_check_of_the_level_blocks_and_a_server_runs_its_plugin(project):
    refused = project.poe("promote", "--version", "1", "--approved-by", "Grace", rc=1)
    assert "version 1 cannot be promoted: it lacks the tag looked_at" in refused.stderr
    project.python(
        "import mlflow; mlflow.MlflowClient('sqlite:///mlflow.db')"
        ".set_model_version_tag('customer-churn', '1', 'looked_at', 'yes')"
    )
    promoted = project.poe("promote", "--version", "1", "--approved-by", "Grace").stdout
    assert "is the champion" in promoted
    assert "the next level follows" in promoted
    with serving(project) as server:
        eventually("both versions", lambda: "is served as challenger" in server.log)
        example = server.ask("/openapi.json").json["paths"]["/predict"]["post"]["requestBody"]
        (body,) = example["content"]["application/json"]["examples"].values()
        variants = [ask_as(server, entity, body["value"])["variant"] for entity in ("a-1", "c-1")]
        assert variants == ["champion", "challenger"]
        seen = eventually("two observed predictions", lambda: two_seen(server))
    assert seen["started"]
    assert [(one["entity"], one["variant"]) for one in seen["seen"]] == [("a-1", "champion"), ("c-1", "challenger")]


def test_version_that_was_not_prepared_at_registration_is_not_loaded(project):
    predict = ("predict", "data/test.parquet", "--version", "1")
    assert "500 predictions of version 1" in project.poe(*predict).stdout
    project.python(
        "import mlflow; mlflow.MlflowClient('sqlite:///mlflow.db')"
        ".delete_model_version_tag('customer-churn', '1', 'prepared')"
    )
    assert project.poe(*predict, rc=1).stderr == "predict: version 1 was not prepared\n"


def ask_as(server: Server, entity: str, body: object) -> dict[str, object]:
    """Send a request for an entity, and check that the level's middleware has seen the response."""
    answer = server.ask("/predict", body, headers={"X-Entity-ID": entity})
    assert answer.status == 200
    assert answer.headers["x-next"] == "hello", "the header and its value are in config/next.yaml"
    return answer.json


def two_seen(server: Server) -> dict[str, list[dict[str, str]]] | None:
    found = server.ask("/next").json
    return found if len(found["seen"]) == 2 else None


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_components_of_the_level_change_all_environments_or_production_alone(project, tool, environment):
    manifests = built(project, f"deploy/overlays/{environment}", tool)
    assert only("Service", manifests, "model-server")["metadata"]["annotations"] == {"next": "everywhere"}
    budget = only("PodDisruptionBudget", manifests)["metadata"].get("annotations", {})
    assert budget == ({"next": "in-production"} if environment == "production" else {})


def test_rules_dashboard_and_targets_of_the_level_are_used(project, tool):
    tool("promtool")
    project.poe("alerts")
    manifests = built(project, "deploy/overlays/production", tool)
    rules = {path.stem for path in (project.path / "monitoring/rules").glob("*.yaml")}
    assert "next" in rules
    assert rules == {one["metadata"]["name"] for one in manifests if one["kind"] == "PrometheusRule"}
    dashboards = next(one for one in manifests if one["metadata"]["name"] == "model-server-dashboards")
    pages = {path.name for path in (project.path / "monitoring/dashboards").glob("*.json")}
    assert "next.json" in pages
    assert pages == dashboards["data"].keys()
    (targets,) = yaml.safe_load(project.text("monitoring/scrape/next.yaml"))
    assert targets["labels"]["job"] == "next"


def test_services_of_the_level_are_in_the_stack(project):
    assert yaml.safe_load(project.text("deploy/levels/compose.yaml"))["include"] == [f"level-{NEXT}/compose.yaml"]
    assert "deploy/levels/compose.yaml" in str(yaml.safe_load(project.text("compose.yaml"))["include"])


@pytest.mark.long
def test_image_has_the_package_and_the_settings_of_the_level(project, tool):
    for name in PROGRAMS:
        tool(name)
    with engine() as started:
        import_stand_ins(started, project.text("Dockerfile"))
        project.process("build", "--network=host", "--tag", "next", **started.variables)
        code = "from customer_churn.serving.plugins.next import plugin; print(plugin().settings.greeting)"
        assert started.docker("run", "--rm", "next", "python", "-c", code).stdout.strip() == "hello"
