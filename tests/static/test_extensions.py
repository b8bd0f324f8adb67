import json
import keyword
import sys
import tomllib
from pathlib import Path

import mlops
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Customer churn", "customer-churn"),
        ("  Churn -- (2026)!  ", "churn-2026"),
        ("Étude «Ça va»", "etude-ca-va"),
        ("ﬁne Größe", "fine-grosse"),
        ("顧客離反", ""),
        ("", ""),
    ],
)
def test_slug_keeps_latin_letters_and_digits(text, expected):
    assert mlops.slug(text) == expected


@given(st.text())
def test_slug_of_a_slug_is_itself(text):
    assert mlops.slug(mlops.slug(text)) == mlops.slug(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("customer-churn", "customer_churn"),
        ("2026 churn", "ml_2026_churn"),
        ("class", "class_ml"),
        ("match", "match_ml"),
        ("Statistics", "statistics_ml"),
        ("MLflow", "mlflow_ml"),
        ("", "ml"),
    ],
)
def test_package_name_shadows_nothing(text, expected):
    assert mlops.package_name(text) == expected


@given(st.text())
def test_package_name_has_no_problem_whatever_the_text(text):
    name = mlops.package_name(text)
    assert name.isidentifier()
    assert not keyword.iskeyword(name)
    assert name not in sys.stdlib_module_names
    assert mlops.package_name_problem(name) == ""


@pytest.mark.parametrize(
    ("repository_url", "expected"),
    [
        ("https://github.com/Octocat/Customer-Churn", "ghcr.io/octocat/customer-churn"),
        ("https://github.com/octocat/churn.git", "ghcr.io/octocat/churn"),
        ("https://gitlab.com/group/sub/churn", "registry.gitlab.com/group/sub/churn"),
        ("https://git.example.com:8443/team/churn", "git.example.com:8443/team/churn"),
        ("git@github.com:Octocat/churn.git", "ghcr.io/octocat/churn"),
        ("ssh://git@gitlab.com:2222/group/sub/churn.git", "registry.gitlab.com/group/sub/churn"),
    ],
)
def test_image_is_named_after_the_repository(repository_url, expected):
    assert mlops.image_name(repository_url) == expected


@pytest.mark.parametrize(
    ("repository_url", "expected"),
    [
        ("https://git.example.com:8443/team/churn.git", "https://git.example.com:8443/team/churn.git"),
        ("git@github.com:Octocat/churn.git", "https://github.com/Octocat/churn"),
        ("ssh://git@git.example.com:2222/team/churn", "https://git.example.com/team/churn"),
    ],
)
def test_page_of_the_repository_is_named_also_if_git_uses_ssh(repository_url, expected):
    assert mlops.is_repository(repository_url)
    assert mlops.web_address(repository_url) == expected


@pytest.mark.parametrize("name", ["churn", "_private", "churn2", "ml_2026"])
def test_good_package_name_has_no_problem(name):
    assert mlops.package_name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "not an importable name"),
        ("my-package", "not an importable name"),
        ("2fast", "not an importable name"),
        ("Churn", "not an importable name"),
        ("größe", "not an importable name"),
        ("lambda", "a Python keyword"),
        ("match", "a Python keyword"),
        ("json", "hide Python's own module"),
        ("mlflow", "hide a package that the project imports"),
        ("tests", "hide a package that the project imports"),
    ],
)
def test_bad_package_name_is_explained(name, problem):
    assert problem in mlops.package_name_problem(name)
    assert repr(name) in mlops.package_name_problem(name)


@pytest.mark.parametrize(
    ("author", "name", "email"),
    [
        ("Ada Lovelace <ada@example.com>", "Ada Lovelace", "ada@example.com"),
        ("Ada Lovelace", "Ada Lovelace", ""),
        ('  José O\'Neil "JO"  <jose@example.com> ', 'José O\'Neil "JO"', "jose@example.com"),
        ("The team", "The team", ""),
    ],
)
def test_author_is_a_name_and_perhaps_an_address(author, name, email):
    assert mlops.author_problem(author) == ""
    assert (mlops.author_name(author), mlops.author_email(author)) == (name, email)


@pytest.mark.parametrize("author", ["", "   ", "<ada@example.com>", "Ada <ada>", "Ada <a@b> <c@d>", "Ada <a@b"])
def test_bad_author_gets_a_message_with_the_form(author):
    assert "Ada Lovelace <ada@example.com>" in mlops.author_problem(author)
    with pytest.raises(ValueError, match="write Ada Lovelace"):
        mlops.author_name(author)


@given(st.text())
def test_quoted_text_reads_back_in_every_language(text):
    assert json.loads(mlops.quoted(text)) == text
    if text.isprintable():
        assert tomllib.loads(f"text = {mlops.quoted(text)}")["text"] == text
        assert yaml.safe_load(mlops.quoted(text)) == text


@pytest.fixture
def git_user(tmp_path, monkeypatch):
    """Set Git's user settings."""

    def git_user(**settings: str) -> None:
        lines = [f'[{name.split("_")[0]}]\n{name.split("_")[1]} = "{value}"\n' for name, value in settings.items()]
        (tmp_path / "gitconfig").write_text("".join(lines))
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
        monkeypatch.chdir(tmp_path)

    return git_user


def test_author_is_git_user(git_user):
    git_user(user_name="Grace Hopper", user_email="grace@example.com")
    assert mlops.git_author() == "Grace Hopper <grace@example.com>"


def test_author_without_address_is_a_name(git_user):
    git_user(user_name="Grace Hopper")
    assert mlops.git_author() == "Grace Hopper"


@pytest.mark.parametrize("settings", [{}, {"user_email": "grace@example.com"}, {"user_name": "<>"}])
def test_author_that_is_not_set_in_git_is_empty(git_user, settings):
    git_user(**settings)
    assert mlops.git_author() == ""


def test_odd_git_user_still_gives_an_author(git_user):
    git_user(user_name="Grace <Amazing> Hopper", user_email="not an address")
    assert mlops.author_problem(mlops.git_author() or "The team") == ""


def test_any_git_setting_can_be_read(git_user):
    git_user(github_user="octocat")
    assert mlops.git_setting("github.user") == "octocat"


def test_without_git_every_setting_is_empty(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert mlops.git_setting("user.name") == ""
    assert mlops.git_author() == ""


def test_folder_in_a_repository_is_in_git(tmp_path):
    assert not mlops.in_git(tmp_path / "project")
    (tmp_path / ".git").mkdir()
    assert mlops.in_git(tmp_path / "project" / "not there yet")
    assert mlops.in_git(Path(tmp_path))


def test_worktree_and_submodule_are_in_git(tmp_path):
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    assert mlops.in_git(tmp_path)


def test_catalogue_names_the_four_levels_in_order():
    levels = mlops.catalogue()["levels"]
    assert [(level["number"], level["name"]) for level in levels] == [
        (0, "Manual"),
        (1, "Pipeline"),
        (2, "Continuous"),
        (3, "Autonomous"),
    ]
    released = [level["released"] for level in levels]
    assert released == sorted(released, reverse=True), "a level is released after those below it"


def test_released_level_has_first_steps_and_capabilities():
    for level in mlops.catalogue()["levels"]:
        assert not level["summary"].endswith(".")
        if level["released"]:
            assert level["first_task"]
            assert level["first_result"]
            assert level["capabilities"]
            for capability in level["capabilities"]:
                assert {"name", "what"} <= set(capability)


def test_every_public_function_is_a_filter_or_a_global():
    environment = Environment(extensions=[mlops.Mlops])
    plain = Environment()
    added = set(environment.filters) - set(plain.filters) | set(environment.globals) - set(plain.globals)
    functions = {
        name
        for name, value in vars(mlops).items()
        if callable(value) and getattr(value, "__module__", "") == "mlops" and name[0].islower()
    }
    assert added == functions - {"catalogue"} | {"levels"}


def test_address_of_the_template_is_absolute_only_if_it_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "template").mkdir()
    assert mlops.from_anywhere("./template") == str(tmp_path / "template")
    for url in ("gh:copier-mlops/copier-mlops", "https://example.com/template.git", "~/template"):
        assert mlops.from_anywhere(url) == url


@pytest.mark.parametrize(
    ("source", "expected"),
    {
        "gh:copier-mlops/copier-mlops": "git+https://github.com/copier-mlops/copier-mlops",
        "gh:/copier-mlops/copier-mlops.git": "git+https://github.com/copier-mlops/copier-mlops.git",
        "gl:team/group/copier-mlops": "git+https://gitlab.com/team/group/copier-mlops",
        "https://github.com/copier-mlops/copier-mlops": "git+https://github.com/copier-mlops/copier-mlops",
        "https://ada@git.example.com:8443/a/b.git": "git+https://ada@git.example.com:8443/a/b.git",
        "git+https://git.example.com/a/b": "git+https://git.example.com/a/b",
        "git@github.com:copier-mlops/copier-mlops.git": "git+ssh://git@github.com/copier-mlops/copier-mlops.git",
        "git@git.example.com:/srv/copier-mlops.git": "git+ssh://git@git.example.com/srv/copier-mlops.git",
        "ssh://git@git.example.com:2222/a/b.git": "git+ssh://git@git.example.com:2222/a/b.git",
        "git+ssh://git@git.example.com/a/b.git": "git+ssh://git@git.example.com/a/b.git",
        "file:///srv/copier-mlops.git": "git+file:///srv/copier-mlops.git",
    }.items(),
)
def test_tool_is_installed_from_the_url_of_the_template(source, expected):
    assert mlops.tool_source(source) == expected


def test_tool_is_installed_from_the_folder_of_the_template(tmp_path, monkeypatch):
    folder = tmp_path / "the template"
    folder.mkdir()
    assert mlops.tool_source(str(folder)) == f"git+file://{tmp_path}/the%20template", "a bare repository"
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (str(folder), "./the template", "~/the template"):
        assert mlops.tool_source(source) == str(folder)
