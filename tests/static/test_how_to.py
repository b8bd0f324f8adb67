"""What the how-to pages of the site show is valid."""

import re
import subprocess
import tomllib

import pytest
import yaml
from copier._settings import SettingsModel
from copier._template import Template
from harness.json_schema import check
from harness.projects import bash_blocks
from harness.site import DOCS, nav
from harness.template import ROOT, visible_questions
from harness.workflows import unknown_actions, zizmor

from copier_mlops.maturity.assessment import ATTESTATIONS
from copier_mlops.maturity.output import FORMATS
from copier_mlops.maturity.probes import probes

HOW_TO = DOCS / "how-to"
RUN_BY_TESTS = {  # the pages whose blocks of bash are typed into a shell, and by which test
    "index.md": "tests/run/start/test_readme.py",
    "contributing/add-a-capability.md": "tests/maintenance/test_add_a_capability.py",
    "tutorial/levels.md": "tests/run/start/test_tutorial.py",
    "how-to/adopt.md": "tests/run/start/test_how_to.py",
    "how-to/maturity-in-ci.md": "tests/run/start/test_how_to.py",
    "how-to/proxy.md": "tests/run/start/test_how_to.py",
    "how-to/trust.md": "tests/run/start/test_how_to.py",
    "how-to/update.md": "tests/run/start/test_how_to.py",
}


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a how-to page in a language."""
    text = (HOW_TO / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_every_block_of_commands_is_typed_by_a_test():
    pages = [page for page in nav() if bash_blocks((DOCS / page).read_text(encoding="utf-8"))]
    assert sorted(pages) == sorted(RUN_BY_TESTS)
    assert [path for path in RUN_BY_TESTS.values() if not (ROOT / path).exists()] == []
    first = bash_blocks((ROOT / "README.md").read_text(encoding="utf-8"))[0]
    assert bash_blocks((DOCS / "index.md").read_text(encoding="utf-8")) == [first]


def test_workflow_is_valid_and_pins_the_actions_of_this_repository(tmp_path):
    (workflow,) = blocks("maturity-in-ci.md", "yaml")
    path = tmp_path / "maturity.yml"
    path.write_text(workflow, encoding="utf-8")
    done = check("vendor.github-workflows", path)
    assert done.exit_code == 0, done.output
    assert zizmor(path, "pedantic") == set()
    assert "uses: " in workflow
    assert unknown_actions(path) == []


def test_page_on_maturity_names_every_format_and_an_attestation_of_a_probe():
    text = (HOW_TO / "maturity-in-ci.md").read_text(encoding="utf-8")
    assert {name for name in FORMATS if f"`{name}`" not in text} == {"text"}
    (attestation,) = blocks("maturity-in-ci.md", "toml")
    assert tomllib.loads(attestation)["attest"].keys() <= {each.id for each in probes()}
    assert ATTESTATIONS in text


@pytest.mark.parametrize("address", ["gh:{}", "https://github.com/{}", "https://github.com/{}.git"])
def test_trust_settings_trust_the_template_and_no_other(address):
    (text,) = blocks("trust.md", "yaml")
    settings = SettingsModel.model_validate(yaml.safe_load(text))
    assert settings.is_trusted(Template(address.format("copier-mlops/copier-mlops")).url)
    assert not settings.is_trusted(Template(address.format("copier-mlops/other")).url)
    assert settings.defaults.keys() <= visible_questions().keys()


def test_uv_has_the_variables_of_the_page_on_proxies(tool):
    done = subprocess.run([tool("uv"), "sync", "--help"], capture_output=True, text=True, check=True)
    names = set(re.findall(r"\bUV_\w+", (HOW_TO / "proxy.md").read_text(encoding="utf-8")))
    assert {name for name in names if not re.search(rf"\b{name}\b", done.stdout)} == set()
