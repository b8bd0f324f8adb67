"""The page about changing the model and adding a feature, followed word by word: training and the tests still pass."""

import re
from textwrap import indent

import pytest
from harness.projects import change
from harness.template import Project

PAGE = "docs/change-the-model.md"
TESTS = ("test", "tests/test_features.py", "tests/test_model.py", "tests/test_predict.py")


@pytest.fixture
def project(install) -> Project:
    return install(maturity_level=0)


def blocks(project: Project) -> list[str]:
    """Return the blocks of Python on the page."""
    return re.findall(r"^```python\n(.*?)^```$", project.text(PAGE), re.MULTILINE | re.DOTALL)


def edit(project: Project, module: str, pattern: str, replacement: str, imports: str = "") -> None:
    """Replace what matches a pattern in a module of the team, and add imports."""
    path = project.modeling / module
    text, found = re.subn(pattern, lambda _: replacement, path.read_text(), count=1, flags=re.MULTILINE | re.DOTALL)
    assert found, f"{module} has no {pattern}"
    end = text.index('"""\n', 3) + 4  # of the docstring
    path.write_text(f"{text[:end]}\n{imports}\n{text[end:]}")


def test_another_estimator(project):
    estimator, transformer, schema = blocks(project)[:3]
    edit(project, "model.py", r"    estimator = .*?\n", indent(estimator, "    "),
         "from sklearn.linear_model import LogisticRegression")  # fmt: skip
    edit(project, "features.py", r"    return ColumnTransformer\(.*?\)\n(?=\n)", indent(transformer, "    "),
         "from sklearn.impute import SimpleImputer\nfrom sklearn.pipeline import make_pipeline\n"
         "from sklearn.preprocessing import StandardScaler")  # fmt: skip
    refused = project.poe("train", rc=1).stderr
    assert "params.yaml: model: " in refused
    assert "unexpected keyword argument 'learning_rate'" in refused
    edit(project, "params.py", r"class Model\(Section\):.*?(?=\n\n\nclass)", schema.rstrip())
    change(project, "params.yaml", model={"C": 1.0, "max_iter": 1000})
    assert "since the run before" not in project.poe("train").stdout
    assert "since the run before" in project.poe("train").stdout
    project.poe(*TESTS)


def test_another_feature(project):
    example = blocks(project)[3]
    function, _, transformer = example.partition("ratio = ")
    edit(project, "features.py", r"    return ColumnTransformer\(.*?\)\n(?=\n)", indent(f"ratio = {transformer}", "    "),
         "from sklearn.preprocessing import FunctionTransformer")  # fmt: skip
    edit(project, "features.py", r"^def texts", f"{function}def texts")
    project.poe("train")
    project.poe(*TESTS)
