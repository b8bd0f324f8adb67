"""What GitHub reads of this repository: its workflow and its forms."""

import json
import re
import tomllib

import pytest
import yaml
from harness.json_schema import check
from harness.template import ROOT, git
from harness.workflows import NEWER_THAN_ACTIONLINT, USES, read, zizmor

GITHUB = ROOT / ".github"
WORKFLOW = GITHUB / "workflows" / "ci.yml"
FORMS = GITHUB / "ISSUE_TEMPLATE"
SCHEMAS = {
    WORKFLOW: "vendor.github-workflows",
    FORMS / "bug.yml": "vendor.github-issue-forms",
    FORMS / "feature.yml": "vendor.github-issue-forms",
    FORMS / "config.yml": "vendor.github-issue-config",
}
ACTIONS = tomllib.loads((ROOT / "tests" / "harness" / "actions.toml").read_text(encoding="utf-8"))


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


def test_zizmor_finds_nothing():
    assert zizmor(WORKFLOW, "pedantic") == set()


def test_actionlint_finds_nothing_but_what_it_is_too_old_for(actionlint):
    assert [line for line in actionlint(WORKFLOW) if not NEWER_THAN_ACTIONLINT.search(line)] == []


def test_commands_are_those_of_contributors():
    commands = [step["run"] for job in read(WORKFLOW)["jobs"].values() for step in job["steps"] if "run" in step]
    assert commands == ["make lint", "make fast", 'sudo env "PATH=$PATH" "XDG_CACHE_HOME=$HOME/.cache" .ci/run']
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"lint", "fast"} <= set(targets)


def test_every_action_is_known_at_the_commit_of_its_tag():
    lines = [line for line in WORKFLOW.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    for line in lines:
        match = USES.search(line)
        assert match, line
        known = ACTIONS[match["name"]]
        assert (match["commit"], match["tag"]) == (known["commit"], known["tag"])
    for job in read(WORKFLOW)["jobs"].values():
        for step in job["steps"]:
            inputs = ACTIONS[step["uses"].partition("@")[0]].get("inputs", []) if "uses" in step else []
            assert step.get("with", {}).keys() <= set(inputs)


def test_jobs_only_read_and_end_in_time():
    workflow = read(WORKFLOW)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["permissions"] == {"contents": "read"}, name
        assert job["timeout-minutes"] <= 90, name
    assert "secrets." not in json.dumps(workflow)
    assert workflow["on"].keys() == {"pull_request", "push"}


def test_issues_use_a_form_and_vulnerabilities_are_reported_in_private():
    config = yaml.safe_load((FORMS / "config.yml").read_text(encoding="utf-8"))
    private = "https://github.com/copier-mlops/copier-mlops/security/advisories/new"
    assert config["blank_issues_enabled"] is False
    assert private in {link["url"] for link in config["contact_links"]}
    assert private in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for link in config["contact_links"]:
        page = link["url"].partition("/blob/main/")[2]
        assert not page or (ROOT / page).exists()
