"""Copier renders projects of level 1 and 3; cookiecutter renders the files of level 1 with the same content."""

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import ROOT, Cost, Promise, alternated, cost, costs, lowest_of, render, template, write_results

COPIER = (
    "import sys, copier\n"
    "data = {'maturity_level': int(sys.argv[3])}\n"
    "copier.run_copy(sys.argv[1], sys.argv[2], data=data, defaults=True, unsafe=True, quiet=True)"
)
COOKIECUTTER = (
    "import sys\n"
    "from cookiecutter.main import cookiecutter\n"
    "cookiecutter(sys.argv[1], no_input=True, output_dir=sys.argv[2])"
)
LIMIT = 1.5  # times the CPU seconds of cookiecutter
LEVEL_3 = 2.0  # times the CPU seconds of level 1
REPETITIONS = 7


def cookiecutter_template(project: Path, folder: Path) -> int:
    """Write a cookiecutter template of a rendered project, with the names filled in, and return its number of files."""
    context = {"slug": "customer-churn", "package": "customer_churn", "_copy_without_render": ["*.j2"]}
    folder.mkdir()
    (folder / "cookiecutter.json").write_text(json.dumps(context))
    paths = [path for path in project.rglob("*") if path.is_file()]
    for path in paths:
        name = path.relative_to(project).as_posix().replace("customer_churn", "{{ cookiecutter.package }}")
        target = folder / "{{ cookiecutter.slug }}" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".j2":
            text = re.sub(r"\{[{%#]", lambda found: f"{{{{ '{found[0]}' }}}}", text)
            text = text.replace("customer_churn", "{{ cookiecutter.package }}")
            text = text.replace("customer-churn", "{{ cookiecutter.slug }}")
        target.write_text(text, encoding="utf-8")
    return len(paths)


def main() -> None:
    """Write the comparison."""
    cost(["uv", "sync", "--locked", "--inexact", "--group", "bench"], ROOT)  # cookiecutter
    scripts = Path(sys.executable).parent
    with template() as source, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peer, out = folder / "peer", folder / "out"
        files = cookiecutter_template(render(source, folder / "project", 1), peer)

        def measured(*command: str | Path) -> Callable[[], Cost]:
            def run() -> Cost:
                shutil.rmtree(out, ignore_errors=True)
                return cost(command, folder)

            return run

        copy = ["copy", "--quiet", "--trust", "--defaults", "--data", "maturity_level=1", "--vcs-ref", "HEAD"]
        candidates = {
            "Copier, API": measured(sys.executable, "-c", COPIER, source, out, "1"),
            "Copier, API, level 3": measured(sys.executable, "-c", COPIER, source, out, "3"),
            "cookiecutter, API": measured(sys.executable, "-c", COOKIECUTTER, peer, out),
            "Copier, command line": measured(scripts / "copier", *copy, source, out),
            "cookiecutter, command line": measured(scripts / "cookiecutter", "--no-input", "-o", out, peer),
            "import of Copier alone": measured(sys.executable, "-c", "import copier"),
            "import of cookiecutter alone": measured(sys.executable, "-c", "import cookiecutter.main"),
        }
        alternated(candidates, repetitions=1)  # writes byte code
        found = alternated(candidates, REPETITIONS)
    promises = [
        Promise(
            f"CPU of Copier / cookiecutter, {way}",
            found[f"Copier, {way}"].cpu / found[f"cookiecutter, {way}"].cpu,
            at_most=LIMIT,
        )
        for way in ("API", "command line")
    ]
    level_3 = found["Copier, API, level 3"].cpu / found["Copier, API"].cpu
    promises.append(Promise("CPU of level 3 / level 1, API", level_3, at_most=LEVEL_3))
    write_results(
        "render", lowest_of(REPETITIONS), promises, {f"rendering {files} files of level 1, and level 3": costs(found)}
    )


if __name__ == "__main__":
    main()
