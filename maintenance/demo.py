"""Record `make demo` again: `docs/images/demo.cast`, and the picture `demo.svg` that is drawn from it.

From the root of the repository: `uv run python maintenance/demo.py`. It runs the demo of the last commit in a clone, which takes
minutes, and keeps each line with its time, in the format of asciinema, except those of OMITTED. A test compares the lines with
those of a new run.
"""

import json
import re
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.style import Style
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
CAST = ROOT / "docs/images/demo.cast"
PICTURE = CAST.with_suffix(".svg")
COMMAND = "make demo"
# What differs between machines, or is of no use to a reader: packages and Pythons of uv, lock files of DVC.
OMITTED = re.compile(
    r"\s*$|Using (CPython|Python)|Creating virtual|Installed |Resolved |Downloading |Prepared |Uninstalled "
    r'|"|\.uv/'  # installs uv where there is none
    r"|\s+(Building|Built|Downloading|Downloaded) |(Updating|Generating) lock file|Poe =>|warning: |.*Warning: |\s+warn\("
)
COLUMNS = 88
SPEED = 8  # times as fast as it ran
STYLES = [  # of lines that begin so
    (r"\$ ", Style(bold=True, color="#ffffff")),
    (r"\d/\d ", Style(bold=True, color="#79c0ff")),
    (r">|Running stage|Created version|Successfully", Style(color="#8b949e")),
    (r"\w+: done", Style(color="#7ee787")),
    (r"  (report|[a-z0-9_]+ +-?[\d.]+$)", Style(color="#f2cc60")),
]
FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="A terminal that runs make demo">
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }}
.{unique_id}-title {{ font: bold 18px system-ui, sans-serif }}
{styles}
@media (prefers-reduced-motion: no-preference) {{
@keyframes appear {{ from {{ visibility: hidden }} }}
.{unique_id}-matrix text {{ animation: appear 1ms step-end backwards }}
DELAYS
}}
</style>
<defs>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})"><g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def kept(lines: list[str]) -> list[str]:
    """Return the lines of a run that are recorded."""
    return [line.rstrip() for line in lines if not OMITTED.match(line)]


def comparable(lines: list[str]) -> list[str]:
    """Return lines in order, with N for what differs between two runs: times, versions, metrics."""
    return sorted(re.sub(r"-?\d+(\.\d+)*", "N", line) for line in lines)


def read(cast: str) -> list[tuple[float, str]]:
    """Return the seconds and the line of each event."""
    _, *events = map(json.loads, cast.splitlines())
    return [(seconds, text.rstrip("\r\n")) for seconds, _, text in events]


def picture(cast: str) -> str:
    """Return the recording as an SVG in which lines appear as they did, and all are there where nothing moves."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), color_system="truecolor")
    delays: list[float] = []
    for seconds, line in read(cast):
        style = next((style for pattern, style in STYLES if re.match(pattern, line)), Style())
        for row in textwrap.wrap(line, COLUMNS, subsequent_indent="  ", drop_whitespace=False) or [""]:
            console.print(Text(row, style), soft_wrap=True)
            delays.append(seconds / SPEED)
    svg = console.export_svg(title=f"{COMMAND}, {SPEED} times as fast", code_format=FORMAT, unique_id="demo")
    rules = [
        f'.demo-matrix [clip-path="url(#demo-line-{row})"] {{ animation-delay: {delay:.2f}s }}'
        for row, delay in enumerate(delays)
    ]
    return "\n".join(line.rstrip() for line in svg.replace("DELAYS", "\n".join(rules)).splitlines()) + "\n"


def run(folder: Path) -> Iterator[tuple[float, str]]:
    """Run the demo in a clone, and yield each line with the seconds since the start."""
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    start = time.monotonic()
    with subprocess.Popen(
        COMMAND.split(), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            yield time.monotonic() - start, line
    if process.returncode:
        raise SystemExit(f"{COMMAND} has failed")


def main() -> None:
    """Write the recording and its picture."""
    events: list[tuple[float, str]] = [(0.0, f"$ {COMMAND}")]
    with tempfile.TemporaryDirectory() as name:
        events += [(seconds, line) for seconds, each in run(Path(name, "clone")) for line in kept([each])]
    header = {"version": 2, "width": COLUMNS, "height": len(events), "title": COMMAND}
    lines = [json.dumps(header), *(json.dumps([round(seconds, 1), "o", f"{text}\r\n"]) for seconds, text in events)]
    CAST.write_text("\n".join(lines) + "\n", encoding="utf-8")
    PICTURE.write_text(picture(CAST.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{PICTURE}: {len(events)} lines")


if __name__ == "__main__":
    main()
