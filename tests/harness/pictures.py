"""The pictures of docs/images/ that are drawn from the levels of the catalogue, and from what imports what."""

import re
from dataclasses import dataclass
from html import escape

from mlops import catalogue

from .structure import Graph, layers, mapped, reduced
from .template import ROOT, levels

# What the box of a level names, in a picture of all levels.
NAMED = {
    0: ["notebook", "data, features, model", "tests", "locked environment"],
    1: ["DVC pipeline", "data validation", "MLflow, quality gate", "model card, report", "server, CI, deployment"],
    2: ["continuous training", "drift, monitoring", "feature store", "canary, A/B tests", "cost"],
    3: ["self-healing", "SLOs, bandits", "compliance as code", "clouds and teams"],
}
FILLS = ["#e3eef7", "#b9d6ec", "#86b6db", "#5a96c4"]
PLANNED = "#e6e9ec"
MARKER = (
    '<defs><marker id="a" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L10 5L0 10z" fill="#2f6f9f"/></marker></defs>'
)
WIDTH, HEIGHT = 130, 56  # of a part
LEFT, TOP, RIGHT, DOWN = 20, 56, 158, 92  # where the first part is, and the steps to the next ones


@dataclass(frozen=True)
class Part:
    """A part of the path from data to prediction, and where it is in the picture."""

    level: int
    name: str
    where: str
    column: int
    row: int
    until: int = 3  # the last level whose picture has room for it

    @property
    def x(self) -> int:
        """The left edge."""
        return LEFT + self.column * RIGHT

    @property
    def y(self) -> int:
        """The upper edge."""
        return TOP + self.row * DOWN


PARTS = {
    "data": Part(0, "Data", "data.py", 0, 0),
    "training": Part(0, "Training", "poe train", 2, 0),
    "notebook": Part(0, "Notebook", "poe notebook", 0, 1, until=2),
    "reports": Part(0, "Metrics", "reports/", 3, 1, until=2),
    "validation": Part(1, "Validation", "poe validate", 1, 0),
    "gate": Part(1, "Quality gate", "params.yaml", 3, 0),
    "registry": Part(1, "Registry", "poe promote", 4, 0),
    "server": Part(1, "Server", "poe serve", 5, 0),
    "canary": Part(2, "Canary", "poe canary-check", 4, 1),
    "log": Part(2, "Prediction log", "data/predictions", 5, 2),
    "labels": Part(2, "Labels", "poe labels", 4, 2),
    "monitor": Part(2, "Monitoring", "poe monitor", 3, 2),
    "retraining": Part(2, "Retraining", "poe retrain", 2, 2),
    "new": Part(2, "New data", "poe new-data", 1, 2),
    "federation": Part(3, "Federation", "poe federate", 0, 1),
    "compliance": Part(3, "Compliance", "poe comply", 3, 1),
    "remediation": Part(3, "Remediation", "poe remediate", 2, 3),
    "objectives": Part(3, "Objectives", "poe slo", 3, 3),
    "bandit": Part(3, "Bandit", "poe bandit", 5, 3),
}
ARROWS = [  # from, to, and the levels at which the arrow is there
    ("data", "training", 0, 0),
    ("data", "notebook", 0, 2),
    ("training", "reports", 0, 0),
    ("data", "validation", 1, 3),
    ("validation", "training", 1, 3),
    ("training", "gate", 1, 3),
    ("gate", "reports", 1, 2),
    ("gate", "registry", 1, 3),
    ("registry", "server", 1, 1),
    ("registry", "canary", 2, 3),
    ("canary", "server", 2, 3),
    ("server", "log", 2, 3),
    ("log", "labels", 2, 3),
    ("labels", "monitor", 2, 3),
    ("monitor", "retraining", 2, 3),
    ("retraining", "training", 2, 3),
    ("new", "validation", 2, 3),
    ("federation", "training", 3, 3),
    ("compliance", "registry", 3, 3),
    ("monitor", "objectives", 3, 3),
    ("objectives", "remediation", 3, 3),
    ("remediation", "retraining", 3, 3),
    ("log", "bandit", 3, 3),
    ("bandit", "server", 3, 3),
]


def path_of(level: int) -> str:
    """Return the path from data to prediction at a level, as SVG: the parts that the level adds have a dark edge."""
    name = f"Level {level}: {catalogue()['levels'][level]['name']}"
    parts = [part for part in PARTS.values() if part.level <= level <= part.until]
    bottom = max(part.y for part in parts) + HEIGHT + 20
    lines = [_start(bottom, f"{name}. {', '.join(part.name for part in parts)}"), MARKER]
    lines += [f'<rect width="960" height="{bottom}" rx="12" fill="#ffffff"/>', _text(20, 34, name, 18, weight="700")]
    for each in ARROWS:
        if each[2] <= level <= each[3]:
            lines.append(_arrow(_way(PARTS[each[0]], PARTS[each[1]])))
    for part in parts:
        edge = ' stroke="#2f6f9f" stroke-width="2"' if part.level == level else ""
        box = f'x="{part.x}" y="{part.y}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{FILLS[part.level]}"'
        middle = part.x + WIDTH // 2
        lines += [
            f"<rect {box}{edge}/>",
            _text(middle, part.y + 25, part.name, 15, weight="700", anchor="middle"),
            _text(middle, part.y + 44, part.where, 13, family="ui-monospace, monospace", anchor="middle"),
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def all_levels() -> str:
    """Return a picture of all levels as stairs, as SVG."""
    levels = catalogue()["levels"]
    lines = [_start(400, f"The four levels: {', '.join(each['name'] for each in levels)}"), MARKER]
    lines.append('<rect width="960" height="400" rx="12" fill="#ffffff"/>')
    for number, each in enumerate(levels):
        x, y = 20 + number * 230, 210 - number * 55
        fill, color = (FILLS[number], "#123") if each["released"] else (PLANNED, "#55606b")
        edge = "" if each["released"] else ' stroke="#9aa7b3" stroke-dasharray="5 4"'
        lines.append(f'<rect x="{x}" y="{y}" width="214" height="{376 - y}" rx="10" fill="{fill}"{edge}/>')
        lines.append(_text(x + 14, y + 34, f"{number} {each['name']}", 20, color, weight="700"))
        lines += [_text(x + 14, y + 64 + 24 * row, text, 15, color) for row, text in enumerate(NAMED[number])]
        if not each["released"]:
            lines.append(_text(x + 14, 358, "planned", 15, color, style="italic"))
        if number:
            curve = f"M{x - 78} {y + 35}C{x - 48} {y + 13},{x - 28} {y + 1},{x - 6} {y + 1}"
            lines.append(f'<path d="{curve}" fill="none" stroke="#2f6f9f" stroke-width="2.5" marker-end="url(#a)"/>')
            command = {"family": "ui-monospace, monospace", "anchor": "middle"}
            lines.append(_text(x - 86, y - 1, f"poe level {number}", 14, "#2f6f9f", **command))
    return "\n".join([*lines, "</svg>"]) + "\n"


IN_A_ROW = 3  # folders that fit beside each other
BOX_WIDTH, BOX_HEIGHT = 292, 48  # of a folder
LAYER = 78  # from a layer to the next one


def folders(graph: Graph, texts: dict[str, tuple[int, str]], title: str) -> str:
    """Return a drawing of folders in layers, each of which needs only what is below it, as SVG.

    Args:
        graph: the folders that each folder needs.
        texts: for each folder a number, which selects its color, and what it has.
        title: what is drawn.
    """
    rows, arrows = _near_users(graph), reduced(graph)
    assert max(len(text) for _, text in texts.values()) <= 46, "a text is longer than its box"
    assert max(map(len, rows)) <= IN_A_ROW, "a layer is wider than the picture"
    height = 70 + LAYER * len(rows)
    places: dict[str, tuple[int, int]] = {}  # the middle of the upper edge
    for number, row in enumerate(rows):

        def below(folder: str) -> float:
            return sum(places[one][0] for one in graph[folder] & places.keys()) / max(len(graph[folder]), 1)

        for place, folder in enumerate(sorted(row, key=lambda one: (below(one), one))):
            places[folder] = 480 + round((place - (len(row) - 1) / 2) * 310), height - 70 - LAYER * number
    lines = [_start(height, f"{title}: {', '.join(name for row in reversed(rows) for name in row)}"), MARKER]
    lines += [f'<rect width="960" height="{height}" rx="12" fill="#ffffff"/>', _text(20, 34, title, 18, weight="700")]
    for folder, needed in arrows.items():
        lines += [_arrow(_descent(*places[folder], *places[one])) for one in sorted(needed)]
    for folder, (x, y) in places.items():
        number, text = texts[folder]
        lines += [
            f'<rect x="{x - BOX_WIDTH // 2}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8" fill="{FILLS[number]}"/>',
            _text(x, y + 20, folder, 15, weight="700", family="ui-monospace, monospace", anchor="middle"),
            _text(x, y + 38, text, 12.5, anchor="middle"),
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _descent(x1: int, y1: int, x2: int, y2: int) -> str:
    """Return the path of an arrow to a lower box, from the middles of their upper edges: beside those of the layers between."""
    half = BOX_WIDTH // 2
    if y2 - y1 > LAYER and abs(x2 - x1) > half:
        return f"M{x1 + (half if x2 > x1 else -half)} {y1 + BOX_HEIGHT // 2}H{x2}V{y2}"
    return f"M{x1} {y1 + BOX_HEIGHT}L{x2} {y2}"


def _near_users(graph: Graph) -> list[list[str]]:
    """Return the layers of a graph, each folder right below the lowest one that needs it, or lower where a layer is too wide."""
    rows = layers(graph)
    place = {folder: number for number, row in enumerate(rows) for folder in row}
    for folder in [one for row in reversed(rows) for one in row]:
        users = [place[one] for one, needed in graph.items() if folder in needed]
        place[folder] = min(users, default=place[folder] + 1) - 1
    for number in range(len(rows) - 1, 0, -1):
        row = [one for one in graph if place[one] == number]
        free = [one for one in row if all(place[needed] < number - 1 for needed in graph[one])]
        place |= dict.fromkeys(free if len(row) > IN_A_ROW else [], number - 1)
    return [sorted(one for one in graph if place[one] == number) for number in range(len(rows))]


def package_folders(graph: Graph) -> str:
    """Return a drawing of the folders of a package, with the texts of the maps in the pages of the levels."""
    texts: dict[str, tuple[int, str]] = {}
    for level in levels():
        page = ROOT / f"template/{{{{ level_{level} }}}}/docs/levels/{level}.md.jinja"
        for name, text in mapped(page.read_text(encoding="utf-8")).items():
            if found := re.fullmatch(r"src/\{\{ package_name \}\}/(\w+)/", name):
                texts.setdefault(found[1], (level, re.sub(r"[`]", "", text)))
    return folders(graph, texts, "src/PACKAGE at level 3: an arrow is an import")


REPOSITORY = {  # what each folder needs, a color, and what it has
    "docs/": (["tests/"], 2, "this site; tests write its tables and pictures"),
    "tests/": (["benchmarks/", "maintenance/"], 2, "checks, renders, lifts, runs, a cluster"),
    "benchmarks/": (["copier_mlops/"], 2, "what is measured, beside its peers"),
    "maintenance/": (["copier_mlops/"], 2, "release, bump, recording, screenshots"),
    "copier_mlops/": (["copier.yml"], 1, "the command: new, level, adopt, maturity"),
    "copier.yml": (["template/", "migrations/"], 0, "settings, then questions"),
    "template/": (["extensions/"], 0, "a folder for each level"),
    "migrations/": ([], 0, "run before and after an update"),
    "extensions/": ([], 0, "filters; the catalogue of capabilities"),
}


def repository() -> str:
    """Return a drawing of this repository."""
    graph = {name: set(needed) for name, (needed, _, _) in REPOSITORY.items()}
    texts = {name: (number, text) for name, (_, number, text) in REPOSITORY.items()}
    return folders(graph, texts, "This repository: an arrow leads to what is needed")


PICTURES = {
    "levels.svg": all_levels,
    "repository.svg": repository,
    **{f"level-{number}.svg": lambda number=number: path_of(number) for number in range(4)},
}


def _start(height: int, label: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 {height}" role="img" aria-label="{escape(label)}"'
        ' font-family="system-ui, sans-serif">'
    )


def _text(x: int, y: int, text: str, size: float, color: str = "#123", **style: str) -> str:
    names = {"weight": "font-weight", "style": "font-style", "family": "font-family", "anchor": "text-anchor"}
    more = "".join(f' {names[name]}="{value}"' for name, value in style.items())
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{color}"{more}>{escape(text)}</text>'


def _arrow(way: str) -> str:
    return f'<path d="{way}" fill="none" stroke="#2f6f9f" stroke-width="2" marker-end="url(#a)"/>'


def _way(start: Part, end: Part) -> str:
    """Return the path of the arrow between two parts: between edges that face each other, or around those between them."""
    middle, half = WIDTH // 2, HEIGHT // 2
    if start.row == end.row:
        left = end.column < start.column
        first, last = start.x + (0 if left else WIDTH), end.x + (WIDTH if left else 0)
        return f"M{first} {start.y + half}L{last} {end.y + half}"
    up = end.row < start.row
    last = f"{end.x + middle} {end.y + (HEIGHT if up else 0)}"
    if start.column != end.column:
        return f"M{start.x + WIDTH} {start.y + half + (-half // 2 if up else half // 2)}L{last}"
    if abs(end.row - start.row) > 2:
        return f"M{start.x + WIDTH} {start.y + half}h12V{end.y + half}h-11"
    return f"M{start.x + middle} {start.y + (0 if up else HEIGHT)}L{last}"
