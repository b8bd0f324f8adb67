"""Which version becomes champion, who may approve it, and that the audit log has an entry for each change."""

import csv
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from harness.projects import change, inside, md5, nobody_listens, registry
from harness.server import registry_at
from harness.stub import served
from harness.template import Project, clean_environment


def champion(project: Project) -> str | None:
    """Return the version that is the champion in MLflow."""
    return registry(project).champion


def events(project: Project) -> list[tuple[str, str]]:
    """Return event and version of the audit log's promotions and rollbacks."""
    project.poe("audit", "export", "log.csv")
    with (project.path / "log.csv").open(newline="") as file:
        return [(row["event"], row["version"]) for row in csv.DictReader(file) if row["event"] != "registration"]


def promote(project: Project, version: str, **keywords) -> subprocess.CompletedProcess[str]:
    return project.poe("promote", "--version", version, "--approved-by", "Grace", **keywords)


def test_promotions_and_rollbacks_move_the_champion_and_are_logged(versions):
    project, first, second = versions
    assert "has no champion before" in project.poe("rollback", rc=1).stderr
    promote(project, first)
    promote(project, second)
    assert f"{first} is the champion again, instead of {second}" in project.poe("rollback").stdout
    assert "after a rollback already" in project.poe("rollback").stdout
    assert champion(project) == first
    kinds = [("promotion", first), ("promotion", second), ("rollback", first)]
    assert events(project) == [(f"{kind} {step}", version) for kind, version in kinds for step in ("intended", "done")]
    assert "none changed" in project.poe("audit", "verify").stdout


def test_version_that_is_worse_than_the_champion_is_no_challenger_and_cannot_be_promoted(versions):
    project, first, _ = versions
    promote(project, first)
    before = registry(project)
    change(project, "params.yaml", model__max_iter=1, gate={"min_accuracy": 0.1})
    refused = project.poe("pipeline", rc=None)
    assert "is worse than that of champion" in refused.stderr
    after = registry(project)
    assert (after.challenger, after.champion) == (before.challenger, first)
    assert "did not pass the gate (roc_auc" in promote(project, after.newest, rc=1).stderr
    assert champion(project) == first


def test_champion_of_other_columns_stops_no_version(versions):
    project, first, _ = versions
    promote(project, first)
    data = project.modeling / "data.py"
    data.write_text(data.read_text().replace("return simulate(**params.model_dump(), seed=seed)",
                                             "return simulate(**params.model_dump(), seed=seed).drop(columns='tenure_months')"))  # fmt: skip
    change(project, "params.yaml", gate={"min_accuracy": 0.1})
    expectations = project.text("expectations/raw.yaml").splitlines(keepends=True)
    (project.path / "expectations/raw.yaml").write_text("".join(x for x in expectations if "tenure_months" not in x))
    assert f"not compared with champion {first}" in project.poe("pipeline").stdout


def test_incomplete_card_and_the_author_alone_are_refused(versions):
    project, _, _ = versions
    notes = project.path / "docs/model_card_notes.md"
    notes.write_text(notes.read_text().replace("## Contact", "## Contacts"))
    project.poe("register")
    change(project, "config/governance.yaml", four_eyes=True)
    refused = project.poe("promote", "--version", "challenger", "--approved-by", "Ada Lovelace", rc=1).stderr
    assert "its model card is empty under Contact" in refused
    assert "Ada Lovelace made it, and config/governance.yaml requires four eyes" in refused
    assert champion(project) is None
    assert "has no version 999" in promote(project, "999", rc=1).stderr
    assert "has no version two" in promote(project, "two", rc=1).stderr


def test_two_promotions_at_once_follow_each_other(versions):
    project, first, second = versions
    command = ["uv", "run", "python", "-m", f"{project.answers['package_name']}.registry.promotion", "promote"]
    both = [
        subprocess.Popen(
            [*command, "--version", version, "--approved-by", "Grace"],
            cwd=project.path,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
        )
        for version in (first, second)
    ]
    assert [process.wait() for process in both] == [0, 0]
    logged = events(project)
    assert [event for event, _ in logged] == ["promotion intended", "promotion done"] * 2
    assert logged[0][1] == logged[1][1] != logged[2][1] == logged[3][1] == champion(project)
    assert "none changed" in project.poe("audit", "verify").stdout


def test_promotion_that_is_killed_at_any_write_leaves_no_change_without_an_entry(versions):
    project, first, second = versions
    crashes = inside(project, "crashes.py", project.answers["package_name"], first, second)
    assert [crash["died"] for crash in crashes] == [True] * (len(crashes) - 1) + [False]
    assert len(crashes) > 5, "a promotion writes to the log twice, and to the registry four times"
    for crash in crashes:
        done = [tuple(event) for event in crash["events"] if event[0] == "promotion done"]
        assert done == [("promotion done", first), ("promotion done", second)], crash
        assert (crash["champion"], crash["problems"]) == (second, []), crash


@pytest.fixture
def chat() -> Iterator[tuple[str, list[str]]]:
    """Return the address of a chat's webhook, and the messages that it received."""
    received: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

    with served(Hook) as address:
        yield address, received


def test_promotion_is_posted_to_the_chat_and_does_not_depend_on_it(versions, chat):
    project, first, second = versions
    address, received = chat
    promote(project, first, NOTIFY_WEBHOOK_URL=address)
    assert received == [f"customer-churn {first} is the champion, approved by Grace"]
    assert "the message was not sent" in promote(project, second, NOTIFY_WEBHOOK_URL=nobody_listens()).stderr
    assert champion(project) == second


def test_unreachable_server_is_named_and_nothing_is_changed(versions):
    project, first, _ = versions
    nowhere = {"MLFLOW_TRACKING_URI": nobody_listens(), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    for command in (("promote", "--version", first, "--approved-by", "Grace"), ("rollback",), ("register",)):
        refused = project.poe(*command, rc=None, **nowhere)
        assert refused.returncode != 0
        assert "MLflow at http://127.0.0.1:" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert events(project) == []
    promote(project, first)


@contextmanager
def slow_way_to(behind: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a proxy that waits before each request, and the requests."""
    asked: list[str] = []

    class Slow(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            asked.append(f"{self.command} {self.path}")
            time.sleep(0.2)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
            request = Request(behind + self.path, body, dict(self.headers), method=self.command)
            try:
                with urlopen(request) as answer:
                    status, content = answer.status, answer.read()
            except HTTPError as error:
                with error:
                    status, content = error.code, error.read()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    with served(Slow) as address:
        yield address, asked


@pytest.fixture
def mlflow_server(churn: Project) -> Iterator[str]:
    """Return the address of an MLflow server with the project's registry."""
    address = nobody_listens()
    with registry_at(address, churn):
        yield address


def test_a_rollback_by_a_slow_server_needs_few_requests(versions, mlflow_server):
    project, first, second = versions
    with slow_way_to(mlflow_server) as (address, asked):
        through = {"MLFLOW_TRACKING_URI": address}
        project.poe("register", **through)
        promote(project, first, **through)
        promote(project, second, **through)
        asked.clear()
        project.poe("rollback", **through)
        assert len(asked) <= 12, asked
        assert champion(project) == first
        assert "none changed" in project.poe("audit", "verify", **through).stdout


def test_release_and_lineage_tie_code_data_and_model(versions):
    project, first, second = versions
    commit = project.run("git", "rev-parse", "HEAD").stdout.strip()
    try:
        assert "model-v1.2.0" in project.poe("release", "1.2.0", "--version", first).stdout
        project.poe("release", "1.2.0", "--version", first)  # once more is fine
        assert project.run("git", "rev-parse", "model-v1.2.0^{commit}").stdout.strip() == commit
        described = project.poe("lineage", "--version", first).stdout
        for value in (
            "model-v1.2.0",
            md5(project.path / "data/raw.parquet"),
            md5(project.path / "models/model.joblib"),
        ):
            assert value in described
        for of in (("--commit", "model-v1.2.0"), ("--data", "data/raw.parquet")):
            assert described in project.poe("lineage", *of).stdout
        assert "there is no Git revision v9" in project.poe("lineage", "--commit", "v9", rc=1).stderr
        assert "was made from that" in project.poe("lineage", "--data", "0" * 32, rc=1).stderr
        assert "not a version number" in project.poe("release", "1.2", rc=1).stderr
        assert f"is customer-churn {first} already" in project.poe("release", "1.2.0", "--version", second, rc=1).stderr
        lock = project.path / "dvc.lock"
        lock.write_text(lock.read_text().replace(md5(project.path / "models/model.joblib"), "0" * 32))
        assert "\n M dvc.lock" in project.poe("release", "1.3.0", rc=1).stderr
        assert "there is no file nosuch" in project.poe("lineage", "--data", "nosuch", rc=1).stderr
        project.commit("Another model")
        assert "no dvc.lock of this commit holds customer-churn" in project.poe("release", "1.3.0", rc=1).stderr
    finally:
        project.run("git", "tag", "--delete", "model-v1.2.0", rc=None)


def test_release_is_refused_for_other_code_than_that_of_the_version(versions):
    project, first, _ = versions
    features = project.modeling / "features.py"
    features.write_text(features.read_text() + "# tried\n")
    project.commit("Try")
    refused = project.poe("release", "1.3.0", "--version", first, rc=1).stderr
    assert "was trained by other code than that of this commit: git checkout" in refused


def test_log_that_is_rewritten_with_its_registry_is_found_by_the_release_tag(versions):
    project, first, _ = versions
    promote(project, first)
    project.poe("release", "1.2.0", "--version", first)
    try:
        assert "none changed" in project.poe("audit", "verify").stdout
        inside(project, "forge.py", project.answers["package_name"])
        found = project.poe("audit", "verify", rc=1).stderr
        assert "was rewritten, according to the release tag model-v1.2.0" in found
        assert "according to the registry" not in found
    finally:
        project.run("git", "tag", "--delete", "model-v1.2.0", rc=None)


def test_versions_and_log_are_listed(versions):
    project, first, second = versions
    before = project.poe("versions").stdout
    project.poe("promote", "--version", first, "--approved-by", "Grace", "--ticket", "https://tickets/7")
    after = project.poe("versions").stdout
    assert [line.split()[0] for line in after.splitlines()[::2]] == [second, first]
    assert "accuracy 0." in after
    assert ("champion" in before, "champion" in after) == (False, True)
    listed = project.poe("audit").stdout
    assert listed == project.poe("audit", "list").stdout
    assert listed.splitlines()[-1].endswith("claimed: approved by Grace  https://tickets/7")


def test_log_in_postgresql_is_append_only_too(versions, postgresql):
    project, first, second = versions
    variables = {"AUDIT_DATABASE_URL": postgresql}
    promote(project, first, **variables)
    promote(project, second, **variables)
    assert "4 entries, none changed" in project.poe("audit", "verify", **variables).stdout
    tamper = (
        "import os, sqlalchemy as sql\nwith sql.create_engine(os.environ['AUDIT_DATABASE_URL']).begin() as connection:\n"
        '    connection.execute(sql.text("{}"))'
    )
    for statement in ("UPDATE audit_log SET version = '9'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        refused = project.run("uv", "run", "python", "-c", tamper.format(statement), rc=1, **variables).stderr
        assert "the audit log is append-only" in refused
    around = "ALTER TABLE audit_log DISABLE TRIGGER ALL; UPDATE audit_log SET version = '9' WHERE id = 3"
    project.run("uv", "run", "python", "-c", tamper.format(around), **variables)
    assert "entry 3 was edited" in project.poe("audit", "verify", rc=1, **variables).stderr
