"""Tables, links, counts and words of the documentation."""

import re
from pathlib import Path

import pytest
import yaml
from harness.template import ROOT, SHARED, levels, relative, repository_files, sources, visible_questions
from mlops import catalogue

README = ROOT / "README.md"
PAGES = [
    ROOT / path for path in repository_files() if path.suffix == ".md" and path.parts[0] not in {"template", "tests"}
]

# The house rule of CONTRIBUTING.md, for sources and pages alike: plain technical English.
WORDS = re.compile(r"\b(told|whoever|nobody|anew|mend|for ever|hears|so many)\b", re.IGNORECASE)
OF_THE_HOUSE = [
    ROOT / path
    for path in repository_files()
    if path.suffix not in {".png", ".lock", ".json", ".gz"} and ROOT / path != Path(__file__).resolve()
]


def capabilities() -> str:
    """Return a table of the levels, and below it for each level a table of what it brings, folded."""
    lines = ["| level | what it adds | first command |", "| --- | --- | --- |"]
    folded = []
    for level in catalogue()["levels"]:
        name = f"{level['number']} {level['name']}"
        command = f"`poe {level['first_task']}`" if level["released"] else ""
        lines.append(f"| **{name}** | {level['summary']}{'' if level['released'] else ' *(planned)*'} | {command} |")
        found = level.get("capabilities", [])
        if found:
            folded += ["", f"<details><summary>All {len(found)} capabilities of level {name}</summary>", ""]
            folded += ["| capability | what it adds | command |", "| --- | --- | --- |"]
        for capability in found:
            command = f"`poe {capability['task']}`" if "task" in capability else ""
            folded.append(f"| {capability['name']} | {capability['what']} | {command} |")
        folded += ["", "</details>"] if found else []
    return "\n".join([*lines, *folded, ""])


def test_readme_lists_the_capabilities_of_the_catalogue(written):
    written(README, capabilities(), block="capabilities")


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [one for one in targets if "://" not in one and not (page.parent / one).exists()]
    assert missing == []


@pytest.mark.parametrize("path", OF_THE_HOUSE, ids=relative)
def test_words_are_plain_and_technical(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if WORDS.search(line)] == []


def test_questions_are_counted(render):
    asked = [len(visible_questions().keys() & render(maturity_level=level).answers.keys()) for level in levels()]
    (counts,) = re.findall(r"(\d+) questions for level 0 or (\d+) for level 1", README.read_text(encoding="utf-8"))
    assert [int(count) for count in counts] == asked[:2]
    before = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))["_message_before_copy"]
    assert [int(count) for count in re.findall(r"(\d+) (?:questions )?at level \d", before)] == asked


def test_page_about_lifting_names_every_shared_file():
    text = (ROOT / "docs" / "explanation" / "lifting.md").read_text(encoding="utf-8")
    assert {path for path in SHARED if f"`{path}`" not in text} == set()


def test_page_about_tests_of_updates_has_the_figures_of_the_fleet():
    fleet = (ROOT / "docs/reference/fleet.md").read_text(encoding="utf-8")
    text = (ROOT / "docs/explanation/testing-updates.md").read_text(encoding="utf-8")
    updates, edits, lost, clean, files = re.findall(r"^\| \*\*all\*\* \|(.*)\|$", fleet, re.MULTILINE)[0].split(" | ")
    assert f"{updates.strip()} updates with {edits} edits. {lost} edits were lost, and {clean} updates" in text
    assert f"in {files.strip()} files" in text


def test_record_about_dvc_names_each_module_that_imports_it():
    text = (ROOT / "docs/explanation/decisions.md").read_text(encoding="utf-8")
    importing = re.compile(r"^ *(from|import) dvc\b", re.MULTILINE)
    modules = {path for path in sources(".py", ".jinja") if importing.search(path.read_text(encoding="utf-8"))}
    names = {"/".join(path.parts[-2:]).removesuffix(".jinja") for path in modules}
    assert names == set(re.findall(r"`((?:pipeline|training)/\w+\.py)`", text))
