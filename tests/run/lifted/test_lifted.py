"""A repository that was lifted works, with the team's own modules of the level below."""

from harness.projects import is_better_than_baseline, registry, stages_run

OWN_FEATURES = '''"""Ours: how much of the bill is for service."""

import pandas as pd
from sklearn.compose import make_column_selector
from sklearn.pipeline import Pipeline
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder


def add_ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the features with our own one."""
    return frame.assign(calls_per_month=frame["support_calls"] / (frame["tenure_months"] + 1))


def build_features() -> Pipeline:
    """Return the untrained transformer."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = [("categories", encoder, make_column_selector(dtype_exclude="number"))]
    return Pipeline([("ratios", FunctionTransformer(add_ratios)), ("columns", ColumnTransformer(columns, remainder="passthrough"))])
'''


def test_lifted_project_runs_its_pipeline_with_the_modules_of_the_team(install):
    project = install(maturity_level=0)
    (project.modeling / "features.py").write_text(OWN_FEATURES, encoding="utf-8")
    for test in ("tests/test_features.py", "tests/test_model.py"):  # they test what we have rewritten
        (project.path / test).unlink()
    model = project.modeling / "model.py"
    forest = model.read_text(encoding="utf-8").replace("HistGradientBoostingClassifier", "ExtraTreesClassifier")
    forest = forest.replace("**params.model_dump(), random_state", "n_estimators=40, max_depth=8, random_state")
    forest = forest.replace("    estimator = ", "    # Ours\n    estimator = ")
    model.write_text(forest.replace("build_features())", "build_features()), (\"fill\", SimpleImputer())").replace(
        "from sklearn.pipeline", "from sklearn.impute import SimpleImputer\nfrom sklearn.pipeline"), encoding="utf-8")  # fmt: skip
    params = project.text("params.yaml").replace("min_accuracy: 0.78", "min_accuracy: 0.76")
    (project.path / "params.yaml").write_text(params, encoding="utf-8")
    project.poe("train")
    project.commit("Our own features and model")

    lifted = project.poe("level", "1")
    assert "Level 1 (Pipeline)" in lifted.stdout
    project.commit("Level 1")
    assert stages_run(project.process("pipeline").stdout) == ["ingest", "prepare", "train", "register"]
    assert is_better_than_baseline(project)
    assert registry(project).challenger == "1"
    assert "ExtraTreesClassifier" in project.text("reports/model_card.md")
    assert "# Ours" in model.read_text(encoding="utf-8")
    project.poe("test")
