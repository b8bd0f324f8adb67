"""The pipeline of a new level 1 project from cold, against one plain script that does the same work in one process."""

import shlex
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml
from measure import Cost, Promise, alternated, cost, costs, install, lowest_of, render, template, write_results

PACKAGE = "customer_churn"
STAGES = ["ingest", "validate", "split", "train", "evaluate", "register"]
MADE = ["data", "models", "reports", "mlruns", "mlflow.db", "dvc.lock", ".dvc/cache", ".dvc/tmp"]
LIMIT = 1.7  # times the plain script
REPETITIONS = 3


def clean(project: Path) -> None:
    """Remove all files that a run makes, so that the next run starts from cold."""
    for name in MADE:
        path = project / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def candidates(project: Path, script: Path) -> dict[str, Callable[[], Cost]]:
    """Return the commands to compare, in this order: the run in which nothing changed follows one of all stages."""

    def warm(*command: str | Path) -> Cost:
        return cost(["uv", "run", *command], project)

    def cold(*command: str | Path) -> Cost:
        clean(project)
        return warm(*command)

    return {
        "dvc repro, each stage a process": lambda: cold("dvc", "repro", "--force"),
        "dvc repro, nothing changed": lambda: warm("dvc", "repro"),
        "plain script, one process": lambda: cold("python", script),
        "the same stages, one process": lambda: cold("python", "-m", PACKAGE, *STAGES),
    }


def stages(project: Path) -> dict[str, Callable[[], Cost]]:
    """Return the commands that DVC runs, the first of them from cold."""
    found = yaml.safe_load((project / "dvc.yaml").read_text(encoding="utf-8"))["stages"]

    def measured(command: str, first: bool) -> Callable[[], Cost]:
        python, *arguments = shlex.split(command)

        def run() -> Cost:
            if first:
                clean(project)
            return cost([project / ".venv/bin" / python, *arguments], project)

        return run

    return {name: measured(stage["cmd"], first=name == next(iter(found))) for name, stage in found.items()}


def main() -> None:
    """Write the comparison and the cost of each stage."""
    with template() as source, tempfile.TemporaryDirectory() as name:
        project = render(source, Path(name, "project"), 1)
        install(project)
        compared = candidates(project, Path(shutil.copy(Path(__file__).with_name("plain_script.py"), name)))
        alternated(compared, repetitions=1)  # writes byte code
        found = alternated(compared, REPETITIONS)
        single = alternated(stages(project), REPETITIONS)
    whole, _, plain, _ = found.values()
    promises = [
        Promise("time of `dvc repro` / plain script", whole.wall / plain.wall, at_most=LIMIT),
        Promise("CPU of `dvc repro` / plain script", whole.cpu / plain.cpu, at_most=LIMIT),
    ]
    wall, cpu = (sum(getattr(one, field) for one in single.values()) for field in ("wall", "cpu"))
    largest = max(one.memory for one in single.values())
    tables = {
        "pipeline of 2,000 rows, from cold": costs(found),
        "stages without DVC": costs({**single, "all stages": Cost(wall, cpu, largest)}),
    }
    write_results("pipeline", lowest_of(REPETITIONS), promises, tables)


if __name__ == "__main__":
    main()
