"""What GitHub reads of this repository: its workflows and its forms."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from harness.act import play
from harness.github import stand_in
from harness.json_schema import check
from harness.kube import NEWEST_KUBERNETES, OLDEST_KUBERNETES
from harness.template import ROOT, Project, git, levels
from harness.workflows import ACTIONS, NEWER_THAN_ACTIONLINT, read, unknown_actions, zizmor

GITHUB = ROOT / ".github"
WORKFLOWS = [GITHUB / "workflows" / name for name in ("ci.yml", "newest.yml", "docs.yml", "release.yml")]
CI, NEWEST, PAGES, RELEASE = WORKFLOWS
FORMS = GITHUB / "ISSUE_TEMPLATE"
SCHEMAS = {
    **dict.fromkeys(WORKFLOWS, "vendor.github-workflows"),
    FORMS / "bug.yml": "vendor.github-issue-forms",
    FORMS / "feature.yml": "vendor.github-issue-forms",
    FORMS / "config.yml": "vendor.github-issue-config",
}
# Writes to anything: no job else, and one that does runs no code of a package, and no action but one that is for it.
WRITES = {
    ("newest.yml", "issue"): {"issues": "write"},
    ("docs.yml", "publish"): {"pages": "write", "id-token": "write"},
    ("release.yml", "publish"): {"contents": "write", "id-token": "write", "attestations": "write"},
}
MAY_WRITE = {"actions/deploy-pages", "actions/download-artifact", "actions/attest-build-provenance"}

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_file_matches_its_schema(path):
    done = check(SCHEMAS[path], path)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("workflows/ci.yml", "timeout-minutes", "timeout-minute"),
        ("ISSUE_TEMPLATE/bug.yml", "type: textarea", "type: text"),
        ("ISSUE_TEMPLATE/config.yml", "about:", "description:"),
    ],
)
def test_schema_finds_a_typing_error(tmp_path, name, old, new):
    path = tmp_path / "copy.yml"
    path.write_text((GITHUB / name).read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert check(SCHEMAS[GITHUB / name], path).exit_code == 1


def test_every_file_that_github_reads_has_a_schema():
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", ".github", folder=ROOT).split()
    assert {ROOT / path for path in listed if path.endswith(".yml")} == SCHEMAS.keys()


@each_workflow
def test_zizmor_finds_nothing(path):
    assert zizmor(path, "pedantic") == set()


@each_workflow
def test_actionlint_finds_nothing_but_what_it_is_too_old_for(actionlint, path):
    assert [line for line in actionlint(path) if not NEWER_THAN_ACTIONLINT.search(line)] == []


def commands(path: Path) -> list[str]:
    """Return what the jobs of a workflow run."""
    return [step["run"] for job in read(path)["jobs"].values() for step in job["steps"] if "run" in step]


def test_commands_are_those_of_contributors():
    assert commands(CI) == [
        "make lint",
        "make fast",
        'make diff BASE="origin/$BASE" SUMMARY="$GITHUB_STEP_SUMMARY"',
        'sudo env "PATH=$PATH" "XDG_CACHE_HOME=$HOME/.cache" .ci/run',
    ]
    assert commands(NEWEST)[:-1] == ['make newest LEVEL="$LEVEL"', "uv lock --upgrade", "make lint", "make fast"]
    assert commands(PAGES) == ["make docs"]
    assert commands(RELEASE)[:-1] == ['make wheel VERSION="${TAG#v}"']
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"lint", "fast", "diff", "newest", "docs", "wheel"} <= set(targets)


def test_newest_packages_are_tested_at_each_level():
    assert read(NEWEST)["jobs"]["level"]["strategy"]["matrix"]["level"] == levels()


def test_failure_opens_one_issue_and_the_next_one_comments_on_it(tmp_path, tool):
    github = stand_in(tmp_path)
    (step,) = read(NEWEST)["jobs"]["issue"]["steps"]
    variables = {**step["env"], "GITHUB_ACTIONS": "true"}
    for _ in range(2):
        subprocess.run(
            [tool("bash"), "-e", "-c", step["run"]], env={**os.environ, **github.variables, **variables}, check=True
        )
    (issue,) = github.issues
    assert issue["title"] == variables["TITLE"]
    assert [issue["body"], *issue["comments"]] == [variables["BODY"]] * 2


@each_workflow
def test_every_action_is_known_at_the_commit_of_its_tag(path):
    assert unknown_actions(path) == []
    for job in read(path)["jobs"].values():
        for step in job["steps"]:
            inputs = ACTIONS[step["uses"].partition("@")[0]].get("inputs", []) if "uses" in step else []
            assert step.get("with", {}).keys() <= set(inputs)


@each_workflow
def test_jobs_only_read_and_end_in_time(path):
    workflow = read(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        writes = WRITES.get((path.name, name))
        assert job["permissions"] == (writes or {"contents": "read"}), name
        used = {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step}
        assert not writes or used <= MAY_WRITE, name
        assert job["timeout-minutes"] <= 90, name
    assert "secrets." not in json.dumps(workflow)


def test_pull_requests_run_only_what_may_read():
    assert read(CI)["on"].keys() == {"pull_request", "push"}
    assert read(NEWEST)["on"].keys() == {"schedule", "workflow_dispatch"}
    assert read(PAGES)["jobs"]["publish"]["if"] == "github.event_name == 'push'"
    assert read(PAGES)["on"] == {"pull_request": None, "push": {"branches": ["main"]}}
    assert read(RELEASE)["on"] == {"push": {"tags": ["v*"]}}
    assert read(RELEASE)["jobs"]["publish"]["environment"] == "release"


def test_issues_use_a_form_and_vulnerabilities_are_reported_in_private():
    config = yaml.safe_load((FORMS / "config.yml").read_text(encoding="utf-8"))
    private = "https://github.com/copier-mlops/copier-mlops/security/advisories/new"
    assert config["blank_issues_enabled"] is False
    assert private in {link["url"] for link in config["contact_links"]}
    assert private in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for link in config["contact_links"]:
        page = link["url"].partition("/blob/main/")[2]
        assert not page or (ROOT / page).exists()


@pytest.fixture
def clone(template: Path, tmp_path: Path) -> Project:
    """Return a clone of the working tree, whose workflows are played."""
    git("clone", "--quiet", template, tmp_path / "clone", folder=tmp_path)
    return Project(tmp_path / "clone", {"repository_url": "https://github.com/copier-mlops/copier-mlops"})


@pytest.mark.parametrize(
    ("event", "payload", "jobs"),
    [
        ("pull_request", {"number": 1, "pull_request": {"number": 1}}, {"Documentation/Build"}),
        ("push", {"ref": "refs/heads/main"}, {"Documentation/Build", "Documentation/Publish"}),
    ],
)
def test_documentation_is_built_for_a_pull_request_and_published_from_main(clone, tmp_path, event, payload, jobs):
    played = play(clone, tmp_path / "played", "docs.yml", event, **payload)
    assert played.jobs == dict.fromkeys(jobs, "success"), played.printed
    assert played.given("actions/upload-pages-artifact") == [{"path": "site"}] * (event == "push")
    assert played.given("actions/deploy-pages") == [{}] * (event == "push")


@pytest.mark.parametrize("failing", ["", "1"])
def test_newest_packages_that_fail_at_one_level_open_an_issue(clone, tmp_path, failing):
    github = stand_in(tmp_path)
    for name, does in {"make": f'[ "$*" != "newest LEVEL={failing}" ]', "uv": "true"}.items():
        (github.folder / "bin" / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (github.folder / "bin" / name).chmod(0o755)
    played = play(clone, tmp_path / "played", "newest.yml", "workflow_dispatch", github=github)
    outcomes = {name.partition("/")[2].strip(): outcome for name, outcome in played.jobs.items()}
    assert outcomes.pop("This repository") == "success", played.printed
    assert outcomes.pop("Issue", None) == ("success" if failing else None), played.printed
    assert len(outcomes) == len(levels())
    assert ("failure" in outcomes.values()) == bool(failing)  # act gives the outcome of one to all of a matrix
    assert not failing or len(github.issues) == 1


@pytest.mark.parametrize(("tag", "kind"), [("v1.0.0", "--latest"), ("v1.1.0rc1", "--prerelease")])
def test_tag_is_published_with_wheel_bill_of_materials_and_attestations_of_both(clone, tmp_path, tag, kind):
    github = stand_in(tmp_path)
    version = tag.removeprefix("v")
    (github.folder / "bin" / "make").write_text(
        f"#!/bin/sh\n[ \"$*\" = 'wheel VERSION={version}' ] && mkdir dist && cd dist"
        f" && echo '- More.' > notes.md && touch copier_mlops-{version}-py3-none-any.whl sbom.cdx.json\n"
    )
    (github.folder / "bin" / "make").chmod(0o755)
    git("tag", tag, folder=clone.path)
    played = play(clone, tmp_path / "played", "release.yml", "push", github=github, ref=f"refs/tags/{tag}")
    assert played.jobs == dict.fromkeys(("Release/Build", "Release/Publish"), "success"), played.printed
    provenance, materials = played.given("actions/attest-build-provenance")
    assert provenance == {"subject-path": "dist/*.whl", **dict.fromkeys(provenance.keys() - {"subject-path"}, "")}
    assert materials["predicate-path"] == "dist/sbom.cdx.json"
    (call,) = [call for call in github.calls if call[:2] == ["release", "create"]]
    assert call[2:4] == [tag, "--verify-tag"]
    assert kind in call
    assert call[-2:] == [f"dist/copier_mlops-{version}-py3-none-any.whl", "dist/sbom.cdx.json"]


def test_security_supports_what_the_packages_and_the_tests_are_for():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first, last = re.findall(r"^\| Python \| 3\.(\d+) to 3\.(\d+) ", text, re.MULTILINE)[0]
    assert project["requires-python"] == f">=3.{first},<3.{int(last) + 1}"
    ((newest, below),) = re.findall(r"^\| Copier \| ([\d.]+) and newer, below (\d+) ", text, re.MULTILINE)
    assert f"copier>={newest},<{below}" in project["dependencies"]
    assert f"| Kubernetes | {OLDEST_KUBERNETES} to {NEWEST_KUBERNETES} by schema" in text


def test_version_is_in_one_place():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    assert [each["version"] for each in lock if each["name"] == "copier-mlops"] == [version]
    newest = re.findall(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[0]
    assert newest == version
    for path in (*ROOT.glob("docs/**/*.md"), ROOT / "SECURITY.md", ROOT / "README.md"):
        named = re.findall(r"(?:@v|--to v|copier_mlops-)(\d+\.\d+\.\d+)", path.read_text(encoding="utf-8"))
        assert {*named} <= {version}, path
    assert not re.search(r"__version__", "".join(one.read_text("utf-8") for one in ROOT.glob("copier_mlops/**/*.py")))
