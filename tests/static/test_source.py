"""Static checks of the template's sources: they hold for branches that no test renders, too."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from harness.template import (
    ROOT,
    SHARED,
    TEMPLATE,
    destination,
    environment,
    is_seed,
    known_names,
    left_to_fill_in,
    levels,
    options,
    questions,
    relative,
    repository_files,
    seed_patterns,
    settings,
    sources,
    strings,
)
from jinja2 import meta
from pathspec import PathSpec

MANAGED = "Managed by copier-mlops"
# Formats that know no comment, and files that are copied as an example or belong to a tool.
CANNOT_SAY_MANAGED = {".ipynb", ".json"}
SPACE_BEFORE_STATEMENT = re.compile(r"^[ \t]*#%.*\n[ \t]*\n", re.MULTILINE)
# Of anything but the temporary file of `atomic_write`.
WRITTEN_IN_PLACE = re.compile(
    r"(?<!temporary)\.(write_text|write_bytes)\(|(?<!temporary)\.open\(\"w|\.(to_parquet|to_csv)\((?!temporary)"
)
IN_TEMPORARY_FOLDERS = {
    "src/churn/core/programs.py",
    "src/churn/core/signing.py",
    "src/churn/delivery/canary_check.py",
    "src/churn/delivery/envoy.py",
    "src/churn/pipeline/stages/register.py",
    "src/churn/registry/artifact.py",
    "src/churn/simulation/year.py",
    "src/churn/training/remote_stage.py",
    "tools/alerts.py",
}
each_source = pytest.mark.parametrize("source", sources(), ids=relative)


def text_of(source: Path) -> str:
    return source.read_text(encoding="utf-8")


def undeclared(text: str) -> set[str]:
    return meta.find_undeclared_variables(environment().parse(text)) - known_names()


def test_paths_can_be_checked_out_on_windows():
    reserved = re.compile(r'[<>:"|?*\\]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)
    assert [str(path) for path in repository_files() if any(reserved.search(part) for part in path.parts)] == []


def test_paths_differ_in_more_than_case():
    folded = Counter(str(path).casefold() for path in repository_files())
    assert [path for path, times in folded.items() if times > 1] == []


@each_source
def test_path_uses_only_known_names(source):
    assert undeclared(source.relative_to(TEMPLATE).as_posix()) == set()


@pytest.mark.parametrize("source", sources(".jinja"), ids=relative)
def test_template_uses_only_known_names(source):
    assert undeclared(text_of(source)) == set()


@pytest.mark.parametrize("name", sorted(settings().keys() - {"_envops"}))
def test_setting_or_question_uses_only_known_names(name):
    assert {unknown for text in strings(settings()[name]) for unknown in undeclared(text)} == set()


@pytest.mark.parametrize("source", sources(".jinja"), ids=relative)
def test_template_has_something_to_fill_in(source):
    kinds = {kind for _, kind, _ in environment().lex(text_of(source))}
    assert kinds - {"data"}, "drop the .jinja suffix: static first"


@pytest.mark.parametrize("source", [s for s in sources() if s.suffix not in {".jinja", ".j2", ".png"}], ids=relative)
def test_static_file_holds_no_jinja(source):
    assert left_to_fill_in(text_of(source)) == [], "it lacks the .jinja suffix"


@pytest.mark.parametrize("source", sources(".jinja"), ids=relative)
def test_no_blank_line_follows_a_statement(source):
    swallowed = SPACE_BEFORE_STATEMENT.findall(text_of(source))
    assert swallowed == [], "Jinja swallows a blank line below a statement: put it above"


@pytest.mark.parametrize("source", sources(".py"), ids=relative)
def test_static_python_compiles(source):
    compile(text_of(source), source, "exec")


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
def test_static_python_is_in_style(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, TEMPLATE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "source", [path for path in sources(".py", ".jinja") if "/tests/" not in str(path)], ids=relative
)
def test_comment_to_a_checker_stays_on_its_line_if_a_team_formats_by_black(source):
    """Black counts such a comment as a part of the line, and moves it from what it is about if that is too long."""
    marked = re.compile(r"^(?=.{89}).*# (noqa|pyrefly:|type:).*$", re.MULTILINE)
    assert [match[0] for match in marked.finditer(source.read_text(encoding="utf-8"))] == []


def test_file_of_a_project_is_written_completely_or_not_at_all():
    """A file that is written in place is empty or half there after a crash."""
    found = {
        destination(source)
        for source in sources(".py", ".jinja")
        if destination(source).startswith(("src/", "tools/"))
        and not {"drills", "game_day"} & {*Path(destination(source)).parts}
        if WRITTEN_IN_PLACE.search(text_of(source))
    }
    assert found == IN_TEMPORARY_FOLDERS


@each_source
def test_first_line_marks_managed_files_and_no_seed(source):
    path = destination(source)
    first_line = text_of(source).partition("\n")[0]
    if source.suffix == ".jinja" and not first_line.startswith("#%"):
        first_line = environment().from_string(first_line).render()
    if is_seed(path):
        assert MANAGED not in first_line, f"copier.yml makes {path} a seed"
    elif path not in SHARED and not {Path(path).suffix, Path(path).name} & CANNOT_SAY_MANAGED:
        assert MANAGED in first_line, f"{path} is no seed in `_exclude` of copier.yml"


@pytest.mark.parametrize("pattern", seed_patterns())
def test_seed_pattern_matches_a_file(pattern):
    assert any(PathSpec.from_lines("gitignore", [pattern]).match_file(destination(source)) for source in sources())


def test_levels_to_choose_are_the_released_ones():
    assert sorted(options()["maturity_level"]) == levels()


def test_overlay_folders_are_hidden_values():
    overlays = {name for source in sources() for name in re.findall(r"\{\{ (\w+) \}\}/", relative(source))}
    hidden = {name for name, question in questions().items() if question.get("when") is False}
    assert overlays - {"package_name"} <= hidden


@pytest.mark.parametrize("path", [path for path in repository_files() if path.suffix in {".yml", ".yaml"}], ids=str)
def test_static_yaml_parses(path):
    list(yaml.safe_load_all((ROOT / path).read_text(encoding="utf-8")))


def test_lock_names_only_the_public_index():
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r'registry = "([^"]+)"', lock)) == {"https://pypi.org/simple"}
