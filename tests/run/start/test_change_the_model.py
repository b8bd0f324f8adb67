"""The pages about changing the model and a first change, followed word by word: training and the tests still pass."""

import re
from textwrap import indent

import pytest
from harness.projects import bash_blocks, change
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


def apply(project: Project, diff: str) -> None:
    """Make the edit of a block of a page: lines with `-` are replaced by those with `+`."""
    path = project.modeling / "features.py"
    old, new = ("".join(line[1:] for line in diff.splitlines(True) if line[0] in f" {sign}") for sign in "-+")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_first_change_goes_from_a_feature_to_a_branch_to_review(project, tmp_path):
    page = project.text("docs/my-first-change.md")
    diffs = re.findall(r"^```diff\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    start, see, propose = bash_blocks(page)
    project.run("git", "init", "--quiet", "--bare", tmp_path / "origin")
    project.run("git", "remote", "add", "origin", tmp_path / "origin")

    assert "since the run before" not in type_in(project, start)
    assert len(diffs) == 2
    for diff in diffs:
        apply(project, diff)
    printed = type_in(project, see)
    assert "since the run before" in printed
    assert re.search(r"\d+ passed", printed)
    type_in(project, propose)

    (branch,) = project.run("git", "branch", "--remotes", "--format=%(refname:short)").stdout.split()
    assert branch == "origin/price-per-gigabyte"
    changed = project.run("git", "diff", "--name-only", "main", branch).stdout.split()
    module = (project.modeling / "features.py").relative_to(project.path).as_posix()
    assert changed == ["reports/metrics.json", "reports/slices.json", module]


def type_in(project: Project, commands: str) -> str:
    """Type commands into a shell, and return what they print."""
    return project.run("bash", "-euo", "pipefail", "-c", commands).stdout
