"""Copier renders a level 1 project; cookiecutter renders as many files with the same content."""

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from measure import alternated, cost, promise, render, table, template

COPIER = (
    "import sys, copier\n"
    "copier.run_copy(sys.argv[1], sys.argv[2], data={'maturity_level': 1}, defaults=True, unsafe=True, quiet=True)"
)
COOKIECUTTER = (
    "import sys\n"
    "from cookiecutter.main import cookiecutter\n"
    "cookiecutter(sys.argv[1], no_input=True, output_dir=sys.argv[2])"
)
LIMIT = 1.5  # times the CPU seconds of cookiecutter


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
    """Print the comparison."""
    with template() as source, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peer = folder / "peer"
        files = cookiecutter_template(render(source, folder / "project", 1), peer)

        def fresh() -> Path:
            shutil.rmtree(folder / "out", ignore_errors=True)
            return folder / "out"

        found = alternated(
            {
                "copier copy": lambda: cost([sys.executable, "-c", COPIER, source, fresh()], folder),
                "cookiecutter": lambda: cost([sys.executable, "-c", COOKIECUTTER, peer, fresh()], folder),
                "import of Copier alone": lambda: cost([sys.executable, "-c", "import copier"], folder),
                "import of cookiecutter alone": lambda: cost(
                    [sys.executable, "-c", "import cookiecutter.main"], folder
                ),
            },
            repetitions=5,
        )
    table(f"rendering {files} files", found)
    promise("CPU of Copier / cookiecutter", found["copier copy"].cpu / found["cookiecutter"].cpu, LIMIT)


if __name__ == "__main__":
    main()
