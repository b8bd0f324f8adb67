"""An A/B test from its plan to its end: real servers, simulated users, labels, and what the page shows."""

from harness.projects import change, inside
from harness.server import Server, eventually, serving
from harness.template import Project


def answered(server: Server, row: object, entity: dict[str, str] | None = None) -> dict[str, str]:
    """Return the response for a row."""
    return server.ask("/predict", {"rows": [row]}, headers=entity).json


def refused(project: Project, *arguments: str) -> str:
    """Return the one line with which a command fails."""
    return project.poe("experiment", *arguments, rc=1).stderr.splitlines()[-1]


def test_ab_test_from_its_plan_to_its_end(looping: Project):
    project, name = looping, looping.answers["project_slug"]
    change(project, "config/serving.yaml", reload_seconds=0.5, drain_seconds=0)
    change(project, "config/monitoring.yaml", label_delay_hours=0)
    change(project, "config/experiment.yaml", metric="outcome", min_effect=0.15, covariate="support_calls")
    project.poe("register")
    assert refused(project, "report") == "experiment: there was no experiment yet: `poe experiment start` starts one"
    planned = project.process("experiment", "plan").stdout
    assert "outcome is 0.25" in planned
    assert "test rows); lower is better" in planned
    started = project.poe("experiment", "start", "--approved-by", "Ada").stdout
    assert "first-test has started: version 2 for 50 % of the entities, version 1 for the others" in started
    assert "is running, with version 2" in refused(project, "start", "--version", "1", "--approved-by", "Ada")
    with serving(project, EXPERIMENT_NAME="edited-since") as server:
        eventually("the treatment", lambda: "version 2 is served as treatment" in server.log)
        change(project, "config/experiment.yaml", metrics_from=server.url)
        rows = inside(project, "predictions.py", project.answers["package_name"])["rows"]
        entities = [{"X-Entity-ID": str(number)} for number in range(20)]
        eventually("both arms", lambda: "treatment" in {answered(server, rows[0], one)["variant"] for one in entities})
        variants = [answered(server, rows[0], one)["variant"] for one in entities]
        assert [answered(server, rows[1], one)["variant"] for one in entities] == variants
        assert answered(server, rows[0])["variant"] == "champion"
        simulated = project.poe("experiment", "simulate", "--server", server.url, "--users", "700", "--effect", "-0.2")
        assert "outcomes: 700 new" in simulated.stdout
        reported = project.poe("experiment", "report").stdout
        assert "promote version 2: it is better, outcome differs by -0." in reported
        result = project.json("reports/experiment.json")
        arms = result["arms"]
        assert arms["control"]["measured"] + arms["treatment"]["measured"] == 700
        assert (result["without_entity"], result["other_versions"], result["problems"]) == (1, 0, [])
        assert result["sample_ratio_p"] > 0.001
        assert 0 < result["variance_kept"] < 1
        guardrails = {one["name"]: one["treatment"] for one in result["guardrails"]}
        assert guardrails["error_ratio"] == 0
        assert guardrails["p99_seconds"] > 0
        assert project.text("reports/experiment.html").count("data:image/png") == 2
        registry = "import mlflow; mlflow.MlflowClient('sqlite:///mlflow.db')"
        project.python(f"{registry}.delete_registered_model_alias('{name}', 'treatment')")
        assert "no version has the alias treatment any more" in project.poe("experiment", "report").stdout
        assert "first-test is stopped: better" in project.poe("experiment", "stop", "--reason", "better").stdout
        eventually("one arm", lambda: {answered(server, rows[0], one)["variant"] for one in entities} == {"champion"})
    assert "no experiment is running" in refused(project, "stop")
    logged = project.poe("audit", "list").stdout
    assert logged.index("experiment started") < logged.index("experiment stopped")
    assert "none changed" in project.poe("audit", "verify").stdout


def test_version_that_clients_or_rules_do_not_allow_gets_no_users(looping: Project):
    project, name = looping, looping.answers["project_slug"]
    project.python(
        "import mlflow, skops.io; mlflow.set_tracking_uri('sqlite:///mlflow.db');"
        f"model = mlflow.sklearn.load_model('models:/{name}/1'); info = mlflow.models.get_model_info('models:/{name}/1');"
        "columns = info.metadata['inputs']; changed = [columns[-1] | {'name': 'new', 'required': True}];"
        f"mlflow.sklearn.log_model(model, name='model', signature=info.signature, registered_model_name='{name}',"
        "metadata={**info.metadata, 'inputs': columns[:-1] + changed},"
        "skops_trusted_types=skops.io.get_untrusted_types(data=skops.io.dumps(model)))"
    )
    line = refused(project, "start", "--version", "2", "--approved-by", "Ada")
    assert line.startswith("experiment: version 2 cannot be tested: ")
    assert "it did not pass the gate" in line
    assert "it lacks the column region of version 1; it requires the column new, version 1 does not" in line
    assert "covariate" not in line
    change(project, "config/experiment.yaml", covariate="contract")
    line = refused(project, "start", "--version", "1", "--approved-by", "Ada")
    assert "version 1 cannot be tested: it is the champion itself; " in line
    assert line.endswith("covariate: contract is no numeric column of version 1")
