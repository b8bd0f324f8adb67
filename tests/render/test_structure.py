"""The folders of a project: imports go one way, as its pages draw them, and each folder has a line about what it is for."""

import ast
from pathlib import Path, PurePosixPath

import pytest
from harness.structure import drawn, imports, layers, mapped, reach, reduced
from harness.template import Project, levels

each_level = pytest.mark.parametrize("level", levels())
ALL_OPTIONS = {
    "feature_store": "feast",
    "orchestrator": "kubeflow",
    "model_source": "oci",
    "distributed_training": "ray",
    "experiment_tracker": "mlflow+wandb",
    "framework": "xgboost",
}
OTHER_OPTIONS = {"data_remote": "s3", "orchestrator": "airflow", "serving_platform": "kserve", "ci": "github+jenkins"}


def page(project: Project, level: int) -> str:
    """Return the page of a level."""
    return project.text(f"docs/levels/{level}.md")


@each_level
@pytest.mark.parametrize("answers", [{}, ALL_OPTIONS], ids=["defaults", "options"])
def test_imports_go_one_way_and_the_page_of_the_level_draws_them(render, level, answers):
    project = render(maturity_level=level, **answers)
    graph = imports(project.package)
    layers(graph)  # fails on a circle
    assert drawn(page(project, level)) == reduced(graph)


@each_level
def test_server_and_own_modules_import_what_the_pages_promise(render, level):
    project = render(maturity_level=level)
    graph = imports(project.package)
    assert graph["core"] == set()
    assert graph["modeling"] == {"core"}
    if level:
        assert "pipeline" not in reach(graph, "serving")
        assert "modeling" not in graph["serving"], (
            "the model's code is imported when a model is loaded, `data.py` never"
        )


@each_level
@pytest.mark.parametrize("answers", [{}, ALL_OPTIONS, OTHER_OPTIONS], ids=["defaults", "options", "others"])
def test_every_folder_is_in_the_map_of_its_level_or_of_one_below(render, level, answers):
    project = render(maturity_level=level, **answers)
    named = [path for one in range(level + 1) for path in mapped(page(project, one))]
    assert [path for path in named if not (project.path / path).exists()] == []
    folders = {PurePosixPath(path).parent for path in project.files()} - {PurePosixPath()}
    package = PurePosixPath(project.package.relative_to(project.path))
    known = [PurePosixPath(path) for path in named]
    missing = {folder for folder in folders - {package} if not any(folder.is_relative_to(one) for one in known)}
    assert missing == set()


@each_level
def test_every_folder_of_the_package_begins_with_what_it_is_for(render, level):
    package: Path = render(maturity_level=level).package
    folders = {path.parent for path in package.rglob("*.py")}
    undescribed = []
    for folder in folders:
        text = (folder / "__init__.py").read_text(encoding="utf-8") if (folder / "__init__.py").exists() else ""
        if not ast.get_docstring(ast.parse(text)):
            undescribed.append(folder.relative_to(package).as_posix())
    assert undescribed == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("core/paths.py", "from ..pipeline.metrics import quality\n"),
        ("core/errors.py", "from .. import pipeline\n"),
        ("modeling/data.py", "from ..pipeline import metrics\n"),
    ],
)
def test_import_against_an_arrow_is_found(project, file, line):
    broken = project(maturity_level=0)
    path = broken.package / file
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")
    with pytest.raises(AssertionError, match="import each other in a circle"):
        layers(imports(broken.package))
