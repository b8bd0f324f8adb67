"""Workflows, played for real: the tasks of a change that is good, of one that is not, and of a delivery."""

import re
from collections.abc import Callable

import pytest
from harness.act import DIGEST, play, pull_request, without_tasks
from harness.projects import change
from harness.template import Project

ELSEWHERE = {"build"}  # needs Docker
OVERLAY_IMAGE = "deploy/overlays/{}/image/kustomization.yaml"
SWITCHED = ["    newTag: main", f"    digest: {DIGEST}"]  # from the tag to the digest


def tasks_run(printed: str) -> list[str]:
    """Return the tasks that were run, each once, in their order."""
    return list(dict.fromkeys(re.findall(r"Run Main uv run --locked poe ([\w-]+)", printed)))


def tasks_of(project: Project, workflow: str) -> list[str]:
    """Return the tasks that a workflow names, each once, in their order."""
    return list(
        dict.fromkeys(re.findall(r"- run: uv run --locked poe ([\w-]+)", project.text(f".github/workflows/{workflow}")))
    )


def test_good_change_passes_and_its_metrics_are_in_the_comment(churn, tmp_path):
    before = churn.json("reports/metrics.json")["accuracy"]
    change(churn, "params.yaml", model__max_iter=60)
    churn.commit("Train fewer rounds")
    played = play(churn, tmp_path / "played", "ci.yml", "pull_request", **pull_request(churn))
    assert played.jobs == dict.fromkeys(["CI/Lint", "CI/Data", "CI/Model", "CI/Comment"], "success"), played.printed
    assert tasks_run(played.printed) == [task for task in tasks_of(churn, "ci.yml") if task not in ELSEWHERE]
    comment = (played.folder / "artifact" / "pull_request.md").read_text(encoding="utf-8")
    assert "- The model passed the quality gate\n" in comment
    (row,) = [line.split("|") for line in comment.splitlines() if "| accuracy " in line and "metrics.json" in line]
    assert float(row[3]) == pytest.approx(before, abs=1e-4)
    assert float(row[4]) != pytest.approx(before, abs=1e-4)
    assert "# Model card: customer-churn\n" in comment
    assert "`max_iter = 60`" in comment
    assert "![" not in comment
    assert "Metrics, compared with HEAD~1" in played.printed, "the summary of the run has it, too"


def test_a_model_that_misses_the_gate_fails_and_the_comment_has_the_reason(churn, tmp_path):
    for path in (churn.path / "tests").glob("test_*.py"):
        if path.stem not in {"test_data", "test_validation"}:  # what the others do is of no interest here
            path.unlink()
    change(churn, "params.yaml", gate={"min_accuracy": 0.99})
    churn.commit("Ask for more")
    played = play(churn, tmp_path / "played", "ci.yml", "pull_request", **pull_request(churn))
    assert {name for name, outcome in played.jobs.items() if outcome == "failure"} == {"CI/Model"}
    assert played.jobs["CI/Comment"] == "success"
    why = r"accuracy 0\.\d+ misses min_accuracy 0\.99"
    assert re.search(f"gate: the model failed the quality gate: {why}", played.printed)
    assert re.search(
        f"- Failed the quality gate: {why}\n", (played.folder / "artifact" / "pull_request.md").read_text()
    )


def test_a_pull_request_with_open_questions_fails(churn, tmp_path):
    description = churn.text(".github/pull_request_template.md")
    about = pull_request(churn, body=description.replace("- [ ]", "- [x]", 7))
    played = play(churn, tmp_path / "open", "pr-checklist.yml", "pull_request", **about)
    assert played.jobs == {"Pull request checklist/Checklist": "failure"}
    assert "Documentation: tick it, or write `n/a: why` behind it" in played.printed
    about = pull_request(churn, body=description.replace("- [ ]", "- [x]"))
    played = play(churn, tmp_path / "ticked", "pr-checklist.yml", "pull_request", **about)
    assert played.jobs == {"Pull request checklist/Checklist": "success"}
    assert "All 8 questions are answered." in played.printed


def test_an_image_goes_to_staging_and_from_there_to_production(churn, tmp_path):
    without_tasks(churn, "ci.yml")
    churn.commit("Check nothing")
    played = play(churn, tmp_path / "staging", "cd.yml", "push", ref="refs/heads/main")
    assert set(played.jobs.values()) == {"success"}, played.printed
    proposed = tmp_path / "staging" / "proposed.diff"
    assert changed(proposed.read_text()) == [OVERLAY_IMAGE.format("staging"), *SWITCHED]

    churn.run("git", "apply", proposed)
    churn.commit("Bring a new image to staging")
    played = play(churn, tmp_path / "production", "cd.yml", "workflow_dispatch")
    assert played.jobs == {"CD/Production": "success"}, played.printed
    proposed = tmp_path / "production" / "proposed.diff"
    assert changed(proposed.read_text()) == [OVERLAY_IMAGE.format("production"), *SWITCHED]


def changed(diff: str) -> list[str]:
    """Return the path and the changed lines of a diff."""
    return re.findall(r"^\+\+\+ b/(.*)$", diff, re.MULTILINE) + re.findall(r"^[+-](?![+-])(.*)$", diff, re.MULTILINE)


@pytest.fixture
def comment(churn: Project) -> Callable[..., str]:
    """Write the comment and return it."""

    def comment(*arguments: str) -> str:
        churn.poe("ci-comment", *arguments)
        return churn.text("reports/pull_request.md")

    return comment


def test_first_commit_has_nothing_to_be_compared_with(comment):
    assert "There is no commit HEAD~9 to compare with." in comment("--base", "HEAD~9")


def test_comment_names_what_the_model_card_lacks(churn, comment):
    notes = churn.path / "docs/model_card_notes.md"
    notes.write_text(re.sub(r"## Limitations\n.*?\n## ", "## Limitations\n\n## ", notes.read_text(), flags=re.DOTALL))
    assert "- The model card is empty under Limitations\n" in comment()


def test_a_long_card_is_shortened_to_what_github_takes(churn, comment):
    with (churn.path / "docs/model_card_notes.md").open("a") as notes:
        notes.write("\n## History\n\n" + "Something happened.\n" * 4000)
    text = comment()
    assert 60_000 < len(text) < 65_536
    assert text.endswith("\n*Truncated to the maximum length of a comment.*\n\n</details>\n")


def test_comment_leaves_the_last_run_as_it_is(churn, comment):
    before = {name: churn.text(f"reports/{name}") for name in ("run.json", "model_card.md")}
    comment()
    assert {name: churn.text(f"reports/{name}") for name in before} == before
