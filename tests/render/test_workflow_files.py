"""Workflows: valid, pinned, with no more rights than they need, and each step a task that people have, too."""

import json
import re
import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from groovy_parser.parser import parse_groovy_content
from harness.act import DIGEST, play, pull_request, without_tasks
from harness.json_schema import check
from harness.lifting import repository
from harness.stub import served
from harness.template import ROOT, TEMPLATE, Project, clean_environment
from harness.workflows import ACTIONS, NEWER_THAN_ACTIONLINT, USES, read, unknown_actions, zizmor
from lark import LarkError
from mlops import image_name

GITHUB = TEMPLATE / "{{ level_1 }}" / ".github"
PATHS = sorted(TEMPLATE.glob("**/.github/workflows/*.yml"))
JENKINSFILE = TEMPLATE / "{{ level_1 }}" / "{{ with_jenkins }}" / "Jenkinsfile"
INSTALL = "uv sync --locked"
RELEASE = "sed -i s/=champion/=release-3/ deploy/overlays/production/image/kustomization.yaml"  # as `poe promote` does
TASK = re.compile(r"uv run --locked poe ([a-z-]+)((?: [\w./\"$-]+)*)")
WRITES = {
    ("ci.yml", "comment"): {"pull-requests"},
    ("cd.yml", "ci"): {"pull-requests"},
    ("cd.yml", "image"): {"packages", "id-token", "attestations"},
    ("cd.yml", "staging"): {"contents", "pull-requests"},
    ("cd.yml", "production"): {"contents", "pull-requests"},
    ("promote.yml", "production"): {"contents", "pull-requests"},
    ("retrain.yml", "retrain"): {"contents", "pull-requests", "issues"},
    ("sign-model.yml", "sign"): {"packages", "id-token"},
    ("template-update.yml", "propose"): {"contents", "pull-requests"},
}
# Jobs that get secrets: those of an environment, whose reviewers have to approve the run before, or whose branch is protected.
WITH_SECRETS = {
    ("new-project.yml", "publish"): "new-project",
    ("promote.yml", "promote"): "promotion",
    ("retrain.yml", "retrain"): "retraining",
    ("sign-model.yml", "sign"): "retraining",
    ("template-update.yml", "update"): "template-update",
    ("template-update.yml", "propose"): "template-update",
}
SCHEMAS = {
    **{path: "vendor.github-workflows" for path in PATHS},
    GITHUB / "dependabot.yml": "vendor.dependabot",
}
each_workflow = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    """Return file, name and content of each job."""
    return [(path.name, name, job) for path in PATHS for name, job in read(path)["jobs"].items()]


def steps() -> list[dict[str, Any]]:
    """Return all steps."""
    return [step for _, _, job in jobs() for step in job.get("steps", [])]


def job(file: str, name: str) -> dict[str, Any]:
    """Return one job."""
    return read(GITHUB / "workflows" / file)["jobs"][name]


def commands(file: str) -> list[str]:
    """Return what the jobs of a workflow run, in their order."""
    found = read(GITHUB / "workflows" / file)["jobs"].values()
    return [step["run"] for each in found for step in each.get("steps", []) if "run" in step]


@pytest.fixture
def spoilt(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return the folder of a copy of ci.yml with something replaced."""

    def spoilt(old: str, new: str) -> Path:
        text = (GITHUB / "workflows" / "ci.yml").read_text(encoding="utf-8")
        assert old in text
        (tmp_path / ".github" / "workflows").mkdir(parents=True)
        (tmp_path / ".github" / "workflows" / "ci.yml").write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return spoilt


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_file_matches_its_schema(path):
    done = check(SCHEMAS[path], path)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("schema", "name", "old", "new"),
    [
        ("vendor.github-workflows", "workflows/ci.yml", "timeout-minutes", "timeout-minute"),
        ("vendor.dependabot", "dependabot.yml", "package-ecosystem: uv", "package-ecosystem: uvx"),
    ],
)
def test_a_typing_error_is_found_by_the_schema(tmp_path, schema, name, old, new):
    path = tmp_path / Path(name).name
    path.write_text((GITHUB / name).read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert check(schema, path).exit_code == 1


def test_zizmor_finds_nothing():
    assert zizmor(GITHUB, "regular") == set()
    for folder in {path.parents[1] for path in PATHS} - {GITHUB}:
        assert zizmor(folder, "regular") == set()
    # It would have `gh pr create` in a script, but steps are tasks.
    assert zizmor(GITHUB, "pedantic") == {"superfluous-actions"}


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("poe ci-comment", "poe ci-comment --base ${{ github.head_ref }}", "template-injection"),
        (
            "    permissions:\n      contents: read # to check out\n",
            "    permissions: write-all\n",
            "excessive-permissions",
        ),
        ("        with:\n          persist-credentials: false\n", "", "artipacked"),
        ("@20cfd1bf945f4377ade1205e4dbc17946fc9a30d # v10.0.1", "@v10", "unpinned-uses"),
        ("  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
    ],
)
def test_zizmor_finds_what_is_dangerous(spoilt, old, new, finding):
    assert finding in zizmor(spoilt(old, new), "regular")


def test_actionlint_finds_nothing_but_what_it_is_too_old_for(actionlint):
    found = actionlint(*PATHS)
    assert [line for line in found if not NEWER_THAN_ACTIONLINT.search(line)] == []


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("needs: lint", "needs: lints", '"lints" which does not exist'),
        ("steps.report.outputs", "steps.reports.outputs", '"reports" is not defined'),
        ("needs.model.outputs.report", "needs.model.outputs.reports", '"reports" is not defined'),
    ],
)
def test_actionlint_finds_what_is_wrong(actionlint, spoilt, old, new, finding):
    found = actionlint(spoilt(old, new) / ".github" / "workflows" / "ci.yml")
    assert [line for line in found if finding in line], found


def test_every_step_is_one_task_that_there_is(render):
    known = render(maturity_level=3, model_source="oci").tasks().keys()
    runs = [step["run"] for step in steps() if "run" in step]
    assert len(runs) > 10
    for run in runs:
        match = TASK.fullmatch(run)
        assert run == INSTALL or match, run
        assert match is None or match[1] in known, run


def test_code_is_checked_before_data_and_data_before_the_model():
    needs = {name: job("ci.yml", name).get("needs") for name in ("lint", "data", "model")}
    assert needs == {"lint": None, "data": "lint", "model": "data"}
    assert job("cd.yml", "image")["needs"] == "ci"
    assert commands("ci.yml")[-1] == "uv run --locked poe gate"


@each_workflow
def test_every_action_is_known_at_the_commit_of_its_tag(path):
    assert unknown_actions(path) == []


def test_no_action_is_known_for_nothing():
    used = {step["uses"].partition("@")[0] for step in steps() if "uses" in step}
    for path in (ROOT / ".github/workflows").iterdir():
        used |= {match["name"] for match in USES.finditer(path.read_text(encoding="utf-8"))}
    assert used == ACTIONS.keys()


def test_actions_have_the_inputs_and_outputs_that_workflows_use():
    for file, name, content in jobs():
        by_id = {}
        for step in content.get("steps", []):
            if "uses" in step:
                known = ACTIONS[step["uses"].partition("@")[0]]
                assert step.get("with", {}).keys() <= set(known.get("inputs", [])), f"{file} {name}"
                by_id[step.get("id")] = known.get("outputs", [])
        for step, output in re.findall(r"steps\.(\w+)\.outputs\.([\w-]+)", json.dumps(content)):
            assert output in by_id[step], f"{file} {name}"


def test_jobs_have_no_rights_but_those_that_they_need():
    assert all(read(path)["permissions"] == {} for path in PATHS)
    for file, name, content in jobs():
        writes = {each for each, right in content["permissions"].items() if right != "read"}
        assert writes == WRITES.get((file, name), set()), f"{file} {name}"


def test_cd_gives_ci_the_permissions_of_its_jobs():
    asked = {right for file, _, content in jobs() if file == "ci.yml" for right in content["permissions"].items()}
    assert asked <= job("cd.yml", "ci")["permissions"].items(), "GitHub would not start the run"


def test_only_an_approved_job_gets_secrets_and_no_foreign_code_gets_a_token():
    for file, name, content in jobs():
        if "secrets." in json.dumps(content):
            assert content["environment"] == WITH_SECRETS[file, name]
            assert not [step for step in content["steps"] if "secrets." in json.dumps(step) and "uses" in step]
    for path in PATHS:
        assert not {"pull_request_target", "workflow_run"} & read(path)["on"].keys()
    checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.fixture
def private_repositories() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Serve repositories without a ref to those who log in; yield the address, and the path and login of each request."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            login = b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
            seen.append((urlsplit(self.path).path, login))
            self.send_response(200 if login else 401)
            self.send_header("WWW-Authenticate", 'Basic realm="private"')
            self.send_header("Content-Length", "0")
            self.end_headers()

    with served(Handler) as address:
        yield address, seen


def test_token_of_a_private_template_goes_to_its_owner_only(private_repositories, tmp_path):
    address, seen = private_repositories
    values = {
        "vars.TEMPLATE_URL && 1 || 0": "1",
        "vars.TEMPLATE_URL": f"{address}/team",
        "secrets.TEMPLATE_TOKEN": "t0k",
    }
    (path,) = [path for path in PATHS if path.name == "template-update.yml"]
    environments = [step["env"] for job in read(path)["jobs"].values() for step in job["steps"] if "env" in step]
    assert len(environments) == 2
    for each in environments:
        variables = {
            name: re.sub(r"\$\{\{ (.*?) \}\}", lambda match: values.get(match[1], ""), value)
            for name, value in each.items()
        }
        for place in ("team/template", "team/template.git", "other/template"):
            subprocess.run(
                ["git", "ls-remote", f"{address}/{place}"],
                env={**clean_environment(), **variables, "GIT_TERMINAL_PROMPT": "0", "HOME": str(tmp_path)},
                capture_output=True,
                check=False,
            )
    with_token = {path.rpartition("/info/refs")[0] for path, login in seen if login == "x-access-token:t0k"}
    without = {path.rpartition("/info/refs")[0] for path, login in seen if not login}
    assert with_token - {""} == {"/team/template", "/team/template.git"}
    assert without - with_token == {"/other/template"}


def test_promotion_waits_for_the_reviewers_whom_the_project_reads_from_github(render):
    approval = render(maturity_level=1).text("src/customer_churn/registry/approval.py")
    (environment,) = re.findall(r'^ENVIRONMENT = "(\w+)"', approval, re.MULTILINE)
    content = job("promote.yml", "promote")
    assert content["environment"] == environment
    (required,) = re.findall(r"^REQUIRED = \[(.*)\]", approval, re.MULTILINE)
    (promote,) = [step for step in content["steps"] if "poe promote" in step.get("run", "")]
    assert set(re.findall(r"\w+", required)) <= promote["env"].keys()
    assert content["permissions"] == {"actions": "read", "contents": "read"}


def test_every_job_ends_in_time():
    assert all(content["timeout-minutes"] <= 60 for _, _, content in jobs() if "uses" not in content)


def test_a_newer_push_ends_what_checks_a_pull_request_and_never_what_delivers():
    cancels = {path.name: read(path)["concurrency"]["cancel-in-progress"] for path in PATHS}
    assert cancels == {
        "ci.yml": True,
        "pr-checklist.yml": True,
        "cd.yml": False,
        "new-project.yml": False,
        "promote.yml": False,
        "retrain.yml": False,
        "sign-model.yml": False,
        "template-update.yml": False,
    }
    groups = {path.name: read(path)["concurrency"]["group"].partition("-$")[0] for path in PATHS}
    assert len(set(groups.values())) == len(PATHS), "a workflow would wait for the one that called it"


def test_a_merged_digest_builds_no_image():
    assert read(GITHUB / "workflows" / "cd.yml")["on"]["push"]["paths-ignore"] == ["deploy/overlays/**"]
    for name in ("staging", "production"):
        (proposal,) = [step for step in job("cd.yml", name)["steps"] if "create-pull-request" in step.get("uses", "")]
        assert proposal["with"]["add-paths"] == f"deploy/overlays/{name}/image"


def test_production_needs_an_approval():
    assert job("cd.yml", "production")["environment"] == "production"


def test_image_has_the_name_of_the_overlays(render):
    url = render(maturity_level=1).answers["repository_url"]
    repository = url.removeprefix("https://github.com/")
    called = set(re.findall(r"ghcr\.io/\$\{\{ github\.repository \}\}", json.dumps(job("cd.yml", "image"))))
    assert [name.replace("${{ github.repository }}", repository) for name in called] == [image_name(url)]


def test_everything_that_is_pinned_is_kept_up_to_date():
    dependabot = yaml.safe_load((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))
    kept = {update["package-ecosystem"] for update in dependabot["updates"]}
    assert kept == {"uv", "github-actions", "docker", "docker-compose"}
    assert all(update["cooldown"]["default-days"] == 7 and update["groups"] for update in dependabot["updates"])


@pytest.fixture
def comment(tool: Callable[[str], str], tmp_path: Path) -> Callable[[list[dict[str, Any]]], Any]:
    """Run the script of the comment for a pull request with some comments, and return what it asks GitHub to do."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "pull_request.md").write_text("<!-- mark -->\nNew", encoding="utf-8")
    (script,) = [
        step["with"]["script"] for step in job("ci.yml", "comment")["steps"] if "github-script" in step.get("uses", "")
    ]

    def comment(comments: list[dict[str, Any]]) -> Any:
        command = [tool("node"), ROOT / "tests" / "harness" / "comment.cjs", json.dumps(comments)]
        done = subprocess.run(command, input=script, cwd=tmp_path, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return comment


def test_a_pull_request_gets_one_comment_that_is_updated(comment):
    theirs = {"id": 1, "user": {"type": "User"}, "body": "<!-- mark -->\nQuoted"}
    other = {"id": 2, "user": {"type": "Bot"}, "body": "Something else"}
    ours = {"id": 3, "user": {"type": "Bot"}, "body": "<!-- mark -->\nOld"}
    ((what, asked),) = comment([theirs, other])
    assert (what, asked["issue_number"], asked["body"]) == ("create", 3, "<!-- mark -->\nNew")
    ((what, asked),) = comment([theirs, other, ours])
    assert (what, asked["comment_id"], asked["body"]) == ("update", 3, "<!-- mark -->\nNew")


@pytest.fixture
def idle(render: Callable[..., Project], tmp_path: Path) -> Project:
    """Return a project whose workflows do nothing."""
    project = repository(render(maturity_level=1), tmp_path / "project")
    without_tasks(project, "ci.yml", "cd.yml", "pr-checklist.yml")
    project.commit("Do nothing")
    return project


def test_a_pull_request_is_checked_and_commented_on(idle, tmp_path):
    played = play(idle, tmp_path / "played", "ci.yml", "pull_request", **pull_request(idle))
    assert played.jobs == dict.fromkeys(["CI/Lint", "CI/Data", "CI/Model", "CI/Comment"], "success")


def test_a_fork_is_checked_and_writes_nothing(idle, tmp_path):
    played = play(idle, tmp_path / "played", "ci.yml", "pull_request", **pull_request(idle, fork=True))
    assert played.jobs == dict.fromkeys(["CI/Lint", "CI/Data", "CI/Model"], "success")


def test_a_bot_needs_no_checklist(idle, tmp_path):
    played = play(idle, tmp_path / "played", "pr-checklist.yml", "pull_request", **pull_request(idle, author="Bot"))
    assert played.jobs == {}


def test_what_is_merged_becomes_a_signed_image_that_is_proposed_for_staging(idle, tmp_path):
    played = play(idle, tmp_path / "played", "cd.yml", "push", ref="refs/heads/main")
    assert set(played.jobs.values()) == {"success"}
    assert [name.rpartition("/")[2] for name in played.jobs] == ["Lint", "Data", "Model", "Image", "Staging"]
    name = image_name(idle.answers["repository_url"])
    (built,) = played.given("docker/build-push-action")
    assert (built["push"], built["tags"]) == ("true", f"{name}:main")
    assert [sbom["image"] for sbom in played.given("anchore/sbom-action")] == [f"{name}:main@{DIGEST}"]
    signed = played.given("actions/attest-build-provenance")
    assert {each["predicate-path"] for each in signed} == {"", "sbom.spdx.json"}
    for each in signed:
        assert (each["subject-name"], each["subject-digest"], each["push-to-registry"]) == (name, DIGEST, "true")
    (proposed,) = played.given("peter-evans/create-pull-request")
    assert proposed["branch"] == "deploy/staging"


def test_a_private_repository_delivers_without_signatures(idle, tmp_path):
    repository = {"private": True}
    played = play(idle, tmp_path / "played", "cd.yml", "push", ref="refs/heads/main", repository=repository)
    assert played.given("actions/attest-build-provenance") == []
    assert played.given("peter-evans/create-pull-request")


def test_production_is_proposed_by_hand_alone(idle, tmp_path):
    played = play(idle, tmp_path / "played", "cd.yml", "workflow_dispatch")
    assert played.jobs == {"CD/Production": "success"}


def test_promotion_is_started_by_hand(idle, tmp_path):
    without_tasks(idle, "promote.yml")
    idle.commit("Promote nothing")
    inputs = {"version": "challenger", "ticket": ""}
    played = play(idle, tmp_path / "played", "promote.yml", "workflow_dispatch", inputs=inputs)
    assert played.jobs == {"Promote/Promote": "success"}


def test_promotion_of_level_2_is_proposed_to_production_by_a_job_without_secrets(project, tmp_path):
    idle = repository(project(maturity_level=2), tmp_path / "idle")
    path = idle.path / ".github/workflows/promote.yml"
    tasks = re.compile(r"run: uv (?:(sync)|run .*) .*")
    path.write_text(tasks.sub(lambda match: "run: 'true'" if match[1] else f"run: {RELEASE}", path.read_text()))
    idle.commit("Promote without a registry")
    inputs = {"version": "challenger", "ticket": ""}
    played = play(idle, tmp_path / "played", "promote.yml", "workflow_dispatch", inputs=inputs)
    assert played.jobs == {"Promote/Promote": "success", "Promote/Production": "success"}, played.printed
    lines = re.findall(r"^[+-](?![+-])(.*)$", (played.folder / "proposed.diff").read_text(), re.MULTILINE)
    assert [line.strip() for line in lines] == ["- SERVING_ALIASES=champion", "- SERVING_ALIASES=release-3"]
    assert "secrets." not in json.dumps(job("promote.yml", "production"))


def test_jenkins_runs_the_tasks_of_ci_in_their_order():
    text = JENKINSFILE.read_text(encoding="utf-8")
    assert re.findall(r"^ *sh '(.*)'$", text, re.MULTILINE) == list(dict.fromkeys(commands("ci.yml")))
    stages = [content["name"] for file, _, content in jobs() if file == "ci.yml" and INSTALL in str(content)]
    assert re.findall(r"stage\('(\w+)'\)", text) == ["Install", *stages]


def test_jenkinsfile_is_groovy():
    text = JENKINSFILE.read_text(encoding="utf-8")
    parse_groovy_content(text)
    with pytest.raises(LarkError):
        parse_groovy_content(text.partition("  stages {")[0])
