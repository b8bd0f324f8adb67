"""Bandits from their plan to their end: a real server, simulated users, labels, a version that is removed, and the page."""

import json
from typing import Any

from harness.projects import change, inside
from harness.server import Server, eventually, serving
from harness.template import Project

POLICY = {"name": "by-context", "policy": "linucb", "features": ["support_calls", "tenure_months"]}


def answered(server: Server, row: object, entity: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the response for a row."""
    return server.ask("/predict", {"rows": [row]}, headers=entity).json


def refused(project: Project, *arguments: str, task: str = "bandit") -> str:
    """Return the one line with which a command fails."""
    return project.poe(task, *arguments, rc=1).stderr.splitlines()[-1]


def state(project: Project) -> dict[str, Any]:
    """Return what the registry holds of the bandit."""
    code = "import mlflow; model = mlflow.MlflowClient('sqlite:///mlflow.db').get_registered_model('{}'); print(model.tags['experiment.bandit'])"
    return json.loads(project.python(code.format(project.answers["project_slug"])))


def test_bandits_from_their_plan_to_their_end(autonomous: Project):
    project = autonomous
    change(project, "config/serving.yaml", reload_seconds=0.5, drain_seconds=0)
    change(project, "config/monitoring.yaml", label_delay_hours=0)
    change(project, "config/bandit.yaml", metric="outcome", versions=["champion", "2"])
    assert "has no version 2: `poe versions` lists all" in refused(project, "start", "--approved-by", "Ada")
    project.poe("register")
    for versions, line in (
        (["champion", "unknown"], "has no version unknown"),
        (["champion", "1"], "expected the champion, version 1, and others, each once: found 1"),
        (["2", "challenger"], "expected the champion, version 1, and others, each once: 2 lack it"),
        (["champion"], "versions: List should have at least 2 items"),
    ):
        change(project, "config/bandit.yaml", versions=versions)
        assert line in refused(project, "start", "--approved-by", "Ada")
    change(project, "config/bandit.yaml", versions=["champion", "2"], policy="linucb", features=["contract"])
    assert "features: contract is no numeric column of version 1" in refused(project, "start", "--approved-by", "Ada")
    change(project, "config/bandit.yaml", policy="thompson", features=[])
    assert refused(project, "report") == "bandit: there was no bandit yet: `poe bandit start` starts one"
    started = project.poe("bandit", "start", "--approved-by", "Ada").stdout
    assert "first-bandit has started: thompson divides requests among the versions 1, 2" in started
    assert "first-bandit is running already" in project.poe("bandit", "start", "--approved-by", "Ada").stdout
    assert "first-bandit is running: stop it" in refused(project, "start", "--approved-by", "Ada", task="experiment")
    with serving(project) as server:
        eventually("the second version", lambda: "version 2 is served as arm-1" in server.log)
        change(project, "config/bandit.yaml", metrics_from=server.url)
        rows = inside(project, "predictions.py", project.answers["package_name"])["rows"]
        entities = [{"X-Entity-ID": str(number)} for number in range(20)]
        versions = [answered(server, rows[0], one)["version"] for one in entities]
        assert {*versions} == {"1", "2"}
        assert [answered(server, rows[0], one)["version"] for one in entities] == versions
        assert answered(server, rows[0])["variant"] == "champion"
        users = ("bandit", "simulate", "--server", server.url, "--users")
        project.poe(*users, "400", "--effect", "-0.2")
        assert "revision 2, 400 rewards of 440 decisions" in project.poe("bandit", "learn").stdout
        assert state(project)["shares"][1] > 0.9
        evaluated = project.process("bandit", "evaluate").stdout
        assert "outcome (lower is better) of 200 decisions" in evaluated
        assert "version 2" in evaluated
        assert "first-bandit is stopped: enough" in project.poe("bandit", "stop", "--reason", "enough").stdout
        eventually("one version", lambda: {answered(server, rows[0], one)["version"] for one in entities} == {"1"})
        change(project, "config/bandit.yaml", **POLICY)
        assert "linucb" in project.poe("bandit", "start", "--approved-by", "Ada").stdout
        eventually("both", lambda: len({answered(server, rows[0], one)["version"] for one in entities}) == 2)
        project.poe(*users, "600", "--effect", "0.5")
        learned = project.poe("bandit", "learn").stdout
        assert "version 2 is removed: outcome differs from the champion's by +0." in learned
        assert "by-context is stopped: only the champion is left" in learned
        eventually("one version", lambda: {answered(server, rows[0], one)["version"] for one in entities} == {"1"})
        assert project.poe("bandit", "report").stdout.startswith("by-context: 600 rewards of ")
    result = project.json("reports/bandit.json")
    assert [one["removed"] is None for one in result["arms"]] == [True, False]
    assert result["running"]["reason"] == "only the champion is left"
    page = project.text("reports/bandit.html")
    assert page.count("data:image/png") == 1
    assert "outcome differs from the champion&#39;s by +0." in page
    logged = project.poe("audit", "list").stdout
    assert logged.index("bandit started") < logged.index("bandit removed") < logged.rindex("bandit stopped")
    assert "no bandit is running" in refused(project, "learn")
