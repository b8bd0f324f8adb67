"""A level that does not exist yet: its folder of files, and the lines that each new level adds to the shared ones.

It uses every extension point once. `N` stands for its number.
"""

import re
import shutil
from pathlib import Path

import mlops

from harness.template import Project, git, levels

LAST = mlops.catalogue()["levels"][levels()[-1]]
NEXT = LAST["number"] + 1
FILES = Path(__file__).with_name("level_n")
# What is inserted behind a text of a shared file.
ENTRIES = {
    "copier.yml": {
        "    {% if keep_seeds %}\n": "    {% if applied_level >= N %}\n    /limits.yaml\n    {% endif %}\n",
        f"    {LAST['number']} {LAST['name']}: {LAST['number']}\n": "    N Next: N\n",
        f"{{{{ '.' if level >= {LAST['number']} else '' }}}}\"\n  when: false\n": (
            "\nlevel_N:\n  type: str\n  default: \"{{ '.' if level >= N else '' }}\"\n  when: false\n"
        ),
    },
    "template/{{ level_0 }}/tasks/levels.toml.jinja": {
        "include = [\n": '#% if level >= N\n    "level-N.toml",\n#% endif\n',
    },
    "template/{{ level_0 }}/pyproject.toml.jinja": {
        '    { include-group = "serve-level-1" },\n': '#% if level >= N\n    { include-group = "serve-level-N" },\n#% endif\n',
        "# The rest is written by `poe level`.\n\n": (
            '#% if level >= N\nserve-level-N = [\n    "cachetools>=6",\n]\n\n#% endif\n'
        ),
    },
    "template/{{ level_1 }}/deploy/levels/kustomization.yaml.jinja": {
        "  - level-2\n": "#% if level >= N\n  - level-N\n#% endif\n",
    },
    "template/{{ level_1 }}/deploy/levels/production/kustomization.yaml.jinja": {
        "  - ../level-2/canary/without-deployment\n": "#% if level >= N\n  - ../level-N/production\n#% endif\n",
    },
    "template/{{ level_1 }}/deploy/levels/compose.yaml.jinja": {
        "compose.override.yaml.\n": "#% if level >= N\ninclude:\n  - level-N/compose.yaml\n#% else\n",
        "include: []\n": "#% endif\n",
    },
    "template/{{ level_1 }}/monitoring/kustomization.yaml.jinja": {
        "resources:\n": "#% if level >= N\n  - rules/next.yaml\n#% endif\n",
        "    files:\n": "#% if level >= N\n      - dashboards/next.json\n#% endif\n",
    },
}
CATALOGUE = """
[[levels]]
number = N
name = "Next"
released = true
summary = "every extension point once"
first_task = "next"
first_result = "writes a small result"

[[levels.capabilities]]
name = "Next"
task = "next"
what = "uses every extension point once"
files = ["*"]
tests = ["tests/run/extension/"]
docs = "docs/levels/N.md"
run = "every extension point"
"""
# What a rendered project of level 1 gets of these lines.
ADDED = {
    "deploy/levels/kustomization.yaml": {"kind: Component\n": "components:\n  - level-N\n"},
    "deploy/levels/production/kustomization.yaml": {"kind: Component\n": "components:\n  - ../level-N/production\n"},
    "monitoring/kustomization.yaml": {
        "\nresources:\n": "  - rules/next.yaml\n",
        "    files:\n": "      - dashboards/next.json\n",
    },
}


def numbered(text: str) -> str:
    """Return a text in which N is the number of the next level."""
    return re.sub(r"\bN\b|(?<=_)N\b", str(NEXT), text)


def add_next_level(template: Path, folder: Path) -> Path:
    """Return a copy of the template in `folder` with one more level, committed."""
    clone = shutil.copytree(template, folder)
    write_files(clone / "template" / f"{{{{ level_{NEXT} }}}}", "*")
    compose = clone / "template/{{ level_1 }}/deploy/levels/compose.yaml"
    compose.rename(compose.with_name("compose.yaml.jinja"))
    for path, entries in ENTRIES.items():
        text = (clone / path).read_text(encoding="utf-8")
        for place, entry in entries.items():
            assert text.count(place) == 1, f"{path}: {place}"
            text = text.replace(place, place + numbered(entry))
        (clone / path).write_text(text, encoding="utf-8")
    catalogue = clone / "extensions" / "catalogue.toml"
    text = catalogue.read_text(encoding="utf-8") + numbered(CATALOGUE)
    catalogue.write_text(text, encoding="utf-8")
    git("add", "--all", folder=clone)
    git("commit", "--quiet", "--message", "The next level", folder=clone)
    return clone


def write_files(folder: Path, pattern: str) -> None:
    """Write the files of the level that match a pattern to a folder."""
    for source in (path for found in FILES.glob(pattern) for path in [found, *found.rglob("*")] if path.is_file()):
        file = folder / numbered(source.relative_to(FILES).as_posix())
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(numbered(source.read_text(encoding="utf-8")), encoding="utf-8")


def with_next_level(project: Project) -> Project:
    """Add to a rendered project what the level adds to deployment and monitoring."""
    for part in ("deploy", "monitoring"):
        write_files(project.path, part)
    for path, added in ADDED.items():
        text = project.text(path)
        for line, more in added.items():
            assert text.count(line) == 1, f"{path}: {line}"
            text = text.replace(line, line + numbered(more))
        (project.path / path).write_text(text, encoding="utf-8")
    services = project.path / "deploy/levels/compose.yaml"
    services.write_text(project.text("deploy/levels/compose.yaml").replace("[]", f"[level-{NEXT}/compose.yaml]"))
    return project
