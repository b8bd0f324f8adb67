"""What MLflow keeps of a run and of a model, and what the model card has of it."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from harness.projects import BUSINESS_KPI, inside, md5, registry
from harness.template import Project
from huggingface_hub import ModelCard, metadata_load
from huggingface_hub.repocard_data import model_index_to_eval_results

REQUIRED = ["Intended use", "Training data", "Limitations", "Ethical considerations", "Contact"]

FIRST_START = """
import mlflow
from customer_churn.registry.client import connected

with connected():
    print(len(mlflow.search_experiments()))
"""


def test_challenger_predicts_as_the_trained_model_and_declares_its_inputs(project):
    project.poe("register")
    found = inside(project, "challenger.py", project.answers["package_name"])
    assert found["equal"]
    assert found["rows"] == 500
    assert found["inputs"] == found["features"]
    assert found["outputs"] == 1
    assert found["predictions_of_example"] == 3
    assert found["predictions_with_gaps"] == found["rows"], "a served model must take missing values as training did"


def test_run_holds_all_that_it_was_made_from(project):
    project.poe("register")
    found = registry(project)
    run_id = found.versions[found.newest]["run_id"]
    runs = found.experiments[f"{project.answers['project_slug']}/production"]
    (run,) = [each for each in runs if each["id"] == run_id]
    params = yaml.safe_load(project.text("params.yaml"))
    assert run["params"]["seed"] == str(params["seed"])
    assert {f"model.{name}": str(value) for name, value in params["model"].items()}.items() <= run["params"].items()
    assert project.json("reports/metrics.json").items() <= run["metrics"].items()
    assert BUSINESS_KPI[project.answers["problem_type"]] in run["metrics"]
    data_md5 = md5(project.path / "data/raw.parquet")
    assert run["tags"]["data_md5"] == data_md5
    assert run["tags"]["git_commit"] == project.run("git", "rev-parse", "HEAD").stdout.strip()
    assert run["tags"]["git_clean"] == "True"
    assert re.fullmatch("[0-9a-f]{64}", run["tags"]["uv_lock_sha256"])
    assert run["datasets"] == {
        "training": md5(project.path / "data/train.parquet"),
        "testing": md5(project.path / "data/test.parquet"),
    }
    figures = {f"reports/figures/{path.name}" for path in (project.path / "reports/figures").iterdir()}
    assert figures
    assert figures | {"reports/model_card.md", "reports/index.html", "environment/uv.lock"} <= set(run["files"])


def test_uncommitted_code_is_recorded(churn):
    features = churn.modeling / "features.py"
    features.write_text(features.read_text() + "# tried out\n")
    churn.poe("register")
    assert churn.json("reports/run.json")["git_clean"] is False
    assert "with uncommitted changes" in churn.text("reports/index.html")


def test_card_is_one_that_hugging_face_reads(project):
    project.poe("register")
    path = project.path / "reports/model_card.md"
    metadata = metadata_load(path)
    assert metadata is not None
    name, results = model_index_to_eval_results(metadata["model-index"])
    assert name == project.answers["project_slug"]
    assert {result.metric_type: result.metric_value for result in results} == project.json("reports/metrics.json")
    assert {result.task_type for result in results} == {f"tabular-{project.answers['problem_type']}"}
    assert metadata["library_name"] == ("sklearn" if project.answers["framework"] == "scikit-learn" else "xgboost")
    assert [heading for heading in REQUIRED if f"\n## {heading}\n" not in ModelCard.load(path).text] == []


def test_filled_in_card_passes(project):
    assert "no required section is empty" in project.poe("card", "--check").stdout


@pytest.mark.parametrize("heading", REQUIRED)
def test_card_with_an_empty_section_is_refused(churn: Project, heading):
    notes = churn.text("docs/model_card_notes.md")
    emptied = re.sub(
        rf"(^## {heading}\n).*?(?=^## |\Z)", r"\1\n<!-- later -->\n\n", notes, flags=re.MULTILINE | re.DOTALL
    )
    assert emptied != notes
    (churn.path / "docs/model_card_notes.md").write_text(emptied)
    refused = churn.poe("card", "--check", rc=1).stderr
    assert f"the model card is empty under {heading}: write it in docs/model_card_notes.md" in refused


def test_two_first_starts_at_once_make_one_database(churn):
    for path in churn.path.glob("mlflow.db*"):
        path.unlink()
    code = FIRST_START
    with ThreadPoolExecutor(2) as pool:
        done = [*pool.map(lambda _: churn.run(".venv/bin/python", "-c", code), range(2))]
    assert [each.stdout.strip() for each in done] == ["1", "1"]


def test_folder_that_was_copied_is_explained_and_its_old_place_left_alone(churn):
    old = {path for path in (churn.path / "mlruns").rglob("*")}
    copy = churn.path.with_name("moved")
    shutil.copytree(churn.path, copy, symlinks=True)
    try:
        done = Project(copy, churn.answers).stages("register", rc=1)
    finally:
        shutil.rmtree(copy)
    assert f"mlflow.db stores artifacts in {churn.path / 'mlruns'}" in done.stderr
    assert "it was moved or copied" in done.stderr
    assert {path for path in (churn.path / "mlruns").rglob("*")} == old
