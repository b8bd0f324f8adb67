"""The documentation says what is true."""

import re

import pytest
from harness.template import ROOT, relative, repository_files
from mlops import catalogue

README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- capabilities:.*?-->\n)(.*?)(<!-- end of capabilities -->)", re.DOTALL)
PAGES = [
    ROOT / path for path in repository_files() if path.suffix == ".md" and path.parts[0] not in {"template", "tests"}
]


def capabilities() -> str:
    """Return the table of what each level brings."""
    lines = ["| level | what it adds | command |", "| --- | --- | --- |"]
    for level in catalogue()["levels"]:
        name = f"**{level['number']} {level['name']}**"
        lines.append(f"| {name} | {level['summary']}{'' if level['released'] else ' *(planned)*'} | |")
        for capability in level.get("capabilities", []):
            command = f"`poe {capability['task']}`" if "task" in capability else ""
            lines.append(f"| | {capability['name']}: {capability['what']} | {command} |")
    return "\n".join(lines) + "\n"


def test_readme_lists_the_capabilities_of_the_catalogue(request):
    text = README.read_text(encoding="utf-8")
    found = BLOCK.search(text)
    assert found
    if request.config.getoption("--update-golden"):
        README.write_text(BLOCK.sub(lambda match: match[1] + capabilities() + match[3], text), encoding="utf-8")
    else:
        assert found[2] == capabilities()


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [one for one in targets if "://" not in one and not (page.parent / one).exists()]
    assert missing == []
