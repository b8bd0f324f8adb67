"""`copier-mlops maturity` grades projects of the template by their level, and those of others as a person would."""

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from harness.capabilities import capabilities, owners
from harness.foreign import SHAPES, Shape
from harness.lifting import run_tool
from harness.template import destination, levels, sources

from copier_mlops.commands.maturity import EPILOG
from copier_mlops.errors import CommandError
from copier_mlops.maturity.assessment import Assessment, assess
from copier_mlops.maturity.probes import Grade, probes
from copier_mlops.maturity.repository import Repository

TODAY = date(2026, 11, 27)


BATCH_RULES = {f"monitoring/rules/{name}.yaml" for name in ("monitoring", "cost")}
# What else proves a capability: files, and the capability that they belong to.
ALSO = {
    "Test and lint": ("tests/",),
    "Deployment": (("deploy/clouds/", "deploy/platform/"), "Platform for many teams"),
    "Alerts and dashboard": (("monitoring/rules/", "config/remediation.yaml"),),
}


def graded(folder: Path) -> Assessment:
    return assess(Repository(folder), TODAY)


def answers(found: Assessment) -> dict[str, str]:
    return {one.probe.id: one.answer for one in found.findings}


def command(*arguments: str, folder: Path, rc: int = 0) -> str:
    done = run_tool(folder, "maturity", *arguments)
    assert done.returncode == rc, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("level", levels())
def test_project_of_the_template_has_its_level(render, level):
    found = graded(render(maturity_level=level).path)
    assert found.level == level
    above = [one.probe.id for one in found.findings if one.probe.level > level and one.answer == "yes"]
    assert above == []
    assert all(one.remedy == f"uv run poe level {level + 1}" for one in found.missing)


def test_without_the_files_of_a_capability_exactly_its_probes_are_no(project, tmp_path):
    project = project(maturity_level=levels()[-1]).path
    before = {name for name, answer in answers(graded(project)).items() if answer == "yes"}
    kept = {path.relative_to(project).as_posix(): path for path in project.rglob("*") if path.is_file()}
    package = next(path.split("/")[1] for path in kept if path.startswith("src/") and path.endswith("/core/io.py"))
    placed = [(destination(one).replace("src/churn/", f"src/{package}/"), owners(one)) for one in sources()]
    for capability in capabilities():
        gone = {path for path, owned_by in placed if capability in owned_by} & {*kept}
        also = ALSO.get(capability.name)
        if also:
            gone |= {path for path in kept if path.startswith(also[0]) and path not in BATCH_RULES}
        if not gone:
            continue
        hidden = {path: kept[path].rename(tmp_path / f"{number}") for number, path in enumerate(gone)}
        found = answers(graded(project))
        for path, place in hidden.items():
            place.rename(kept[path])
        no = {name for name in before if found[name] == "no"}
        names = {capability.name, *(also[1:] if also else ())}
        assert no == {probe.id for probe in probes() if probe.capability in names}, capability.name


@pytest.mark.parametrize("shape", SHAPES, ids=lambda each: each.name)
def test_repositories_of_others_are_graded_as_a_person_would(shape: Shape, tmp_path):
    found = answers(graded(shape.write(tmp_path)))
    assert [name for name, answer in found.items() if answer == "yes"] == [f"ML{one}" for one in shape.yes.split()]


def test_what_was_run_this_year_is_proven(tmp_path):
    shape = next(one for one in SHAPES if one.name == "DVC and MLflow")
    found = {one.probe.id: one for one in assess(Repository(shape.write(tmp_path)), date.today()).findings}
    assert found["ML101"].evidence.grade == Grade.PROVEN
    later = assess(Repository(tmp_path), date.today() + timedelta(days=400))
    assert {one.probe.id: one.evidence.grade for one in later.findings}["ML101"] == Grade.WIRED


def test_what_is_declared_but_not_called_does_not_count(tmp_path):
    shape = next(one for one in SHAPES if one.name == "declared but not called")
    found = {one.probe.id: one for one in graded(shape.write(tmp_path)).findings}
    for name, place in (
        ("ML104", "requirements.txt:1"),
        ("ML209", "requirements.txt:2"),
        ("ML116", "k8s/deployment.yaml"),
    ):
        assert (found[name].answer, found[name].evidence.grade) == ("no", Grade.DECLARED)
        assert found[name].evidence.place.startswith(place)


def test_what_runs_in_another_repository_is_unknown(tmp_path):
    workflow = tmp_path / ".github/workflows/ci.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("jobs:\n  all:\n    uses: company/shared/.github/workflows/ml.yml@v1\n")
    assert answers(graded(tmp_path))["ML114"] == "unknown"


def test_attestation_counts_until_its_day(tmp_path):
    (tmp_path / "maturity.toml").write_text(EPILOG.partition("\n")[2])
    found = {one.probe.id: one for one in graded(tmp_path).findings}["ML118"]
    assert (found.answer, found.note) == ("yes", "attested")
    later = assess(Repository(tmp_path), date(2027, 2, 1))
    assert answers(later)["ML118"] == "unknown"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[attest.ML999]\nby = 'a'\nuntil = 2027-01-01\nwhy = 'b'\n", "there is no probe ML999"),
        ("[attest.ML118]\nby = 'a'\nuntil = 'soon'\nwhy = 'b'\n", "until as a date"),
        ("[attest.ML118]\nby = 'a'\n", "write [attest.ID] with by, until"),
        ("attest = 1\n", "write [attest.ID] with by, until"),
        ("[[[", "write [attest.ID] with by, until"),
    ],
)
def test_a_mistake_in_the_attestations_is_one_line(tmp_path, text, message):
    (tmp_path / "maturity.toml").write_text(text)
    with pytest.raises(CommandError, match=r"maturity\.toml") as error:
        graded(tmp_path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_odd_files_are_no_problem(tmp_path):
    (tmp_path / "binary.py").write_bytes(b"\0\1model.fit(x)")
    (tmp_path / "latin.py").write_bytes("# Größe\nprint(1)\n".encode("latin-1"))
    (tmp_path / "broken.ipynb").write_text("{")
    (tmp_path / "huge.py").write_text("x = 1\n" * 200_000)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "outside.py").symlink_to("/etc/hostname")
    found = graded(tmp_path)
    assert found.level is None
    by_answer = {one.probe.id: one.answer for one in found.findings}
    assert by_answer.pop("ML004") == "yes"
    assert {*by_answer.values()} == {"unknown"}  # the huge file was not read
    with pytest.raises(CommandError, match="is no folder"):
        Repository(tmp_path / "nowhere")


def test_formats(tmp_path):
    shape = next(one for one in SHAPES if one.name == "GitLab").write(tmp_path)
    assert "For level 0 Manual: 1 missing, about 10 minutes" in command(folder=shape)
    rows = json.loads(command("--format", "json", folder=shape))["findings"]
    assert {row["id"]: row["place"] for row in rows}["ML113"] == ".gitlab-ci.yml:8"
    results = json.loads(command("--format", "sarif", folder=shape))["runs"][0]["results"]
    assert {one["ruleId"] for one in results} == {row["id"] for row in rows if row["answer"] != "yes"}
    assert "| ✓ | ML113 |" in command("--format", "markdown", folder=shape)
    assert command("--format", "svg", folder=shape).startswith("<svg")
    command("--format", "html", "--output", "page.html", folder=shape)
    page = (shape / "page.html").read_text(encoding="utf-8")
    assert "http" not in page.replace("http://www.w3.org", "").replace("https://huggingface.co/docs", "")
    assert all(probe.id in page for probe in probes())
    assert command("list", folder=shape).count("\n") == len(probes())
    assert "Looks for" in command("--describe", "ml203", folder=shape)
    assert "there is no probe X" in command("--describe", "X", folder=shape, rc=1)


def test_level_may_not_fall(project):
    project = project(maturity_level=1).path
    for arguments in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "1"],
    ):
        subprocess.run(["git", *arguments], cwd=project, check=True)
    command("--fail-under", "1", "--diff", "HEAD", folder=project)
    assert "level 1 Pipeline is below level 2" in command("--fail-under", "2", folder=project, rc=1)
    (project / "docs/runbooks/roll-back.md").unlink()
    assert "ML107 was yes at HEAD, and is no now" in command("--diff", "HEAD", folder=project, rc=1)
    assert "nowhere" in command("--diff", "nowhere", folder=project, rc=1)


def test_repo_review_runs_the_probes(tmp_path):
    shape = next(one for one in SHAPES if one.name == "GitLab").write(tmp_path)
    line = [sys.executable, "-m", "repo_review", "--format", "json", str(shape)]
    done = subprocess.run(line, check=False, capture_output=True, text=True)
    found = json.loads(done.stdout)["checks"]
    results = {name: one["result"] for name, one in found.items() if name.startswith("ML")}
    assert results == {name: answer == "yes" for name, answer in answers(graded(shape)).items()}


def test_reader_that_ends_early_is_no_error(tmp_path):
    shape = next(one for one in SHAPES if one.name == "GitLab").write(tmp_path)
    line = f"{sys.executable} -m copier_mlops maturity {shape} | true"
    assert subprocess.run(line, shell=True, check=False, capture_output=True, text=True).stderr == ""
