"""Write the tables of `docs/reference/benchmarks.md` from `benchmarks/results/*.json`; `--check` only compares."""

import argparse
import json
import re
import sys
from pathlib import Path

from measure import RESULTS, ROOT, Promise, number

REPOSITORY = "https://github.com/copier-mlops/copier-mlops/blob/main"  # the site has only the files of docs/
PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
BLOCK = re.compile(r"(<!-- (\w+): written from .*?-->\n)(.*?)(<!-- end of \2 -->)", re.DOTALL)


def section(path: Path) -> str:
    """Return the conditions and the promises of a benchmark as Markdown."""
    result = json.loads(path.read_text(encoding="utf-8"))
    where = f"Python {result['python']}, {result['machine']}"
    lines = [
        f"Measured on {result['date']} at commit {result['commit']}: {where}; {result['method']}.",
        f"All figures: [{path.name}]({REPOSITORY}/{path.relative_to(ROOT).as_posix()}).",
        "",
        "| promise | measured | limit | kept |",
        "| --- | --- | --- | --- |",
    ]
    for each in (Promise(**promise) for promise in result["promises"]):
        lines.append(f"| {each.what} | {number(each.measured)} | {each.limit} | {'yes' if each.kept else '**no**'} |")
    for remark in result.get("remarks", []):
        lines += ["", remark]
    return "\n".join(lines) + "\n"


def updated(text: str) -> str:
    """Return the page with each block written from its results."""
    return BLOCK.sub(lambda block: block[1] + section(RESULTS / f"{block[2]}.json") + block[4], text)


def main() -> None:
    """Write the page, or exit with code 1 if it differs from the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with code 1 if the page is out of date"
    )
    text = PAGE.read_text(encoding="utf-8")
    if not parser.parse_args().check:
        PAGE.write_text(updated(text), encoding="utf-8")
    elif updated(text) != text:
        sys.exit(f"{PAGE.relative_to(ROOT)} differs from benchmarks/results: run `python benchmarks/page.py`")


if __name__ == "__main__":
    main()
