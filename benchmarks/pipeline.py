"""The pipeline of a new level 1 project from cold, against one plain script that does the same work in one process."""

import shutil
import tempfile
from pathlib import Path

from measure import Cost, alternated, cost, install, promise, render, table, template

PACKAGE = "customer_churn"
STAGES = ["ingest", "validate", "split", "train", "evaluate", "register"]
MADE = ["data", "models", "reports", "mlruns", "mlflow.db", "dvc.lock", ".dvc/cache", ".dvc/tmp"]
LIMIT = 1.7  # times the time of the plain script


def clean(project: Path) -> None:
    """Remove all that a run makes, so that the next starts from cold."""
    for name in MADE:
        path = project / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def main() -> None:
    """Print the comparison and the stages."""
    with template() as source, tempfile.TemporaryDirectory() as name:
        project = render(source, Path(name, "project"), 1)
        install(project)
        python, dvc = project / ".venv/bin/python", project / ".venv/bin/dvc"
        script = shutil.copy(Path(__file__).with_name("plain_script.py"), name)

        def from_cold(*command: str | Path) -> Cost:
            clean(project)
            return cost(command, project)

        from_cold("uv", "run", "dvc", "repro")  # writes byte code
        found = alternated(
            {
                "dvc repro, each stage a process": lambda: from_cold("uv", "run", "dvc", "repro"),
                "plain script, one process": lambda: from_cold(python, script),
                "the same stages, one process": lambda: from_cold(python, "-m", PACKAGE, *STAGES),
            },
            repetitions=5,
        )
        from_cold("uv", "run", "dvc", "repro")
        found["dvc repro, nothing changed"] = cost([dvc, "repro"], project)
        stages = {stage: cost([python, "-m", PACKAGE, stage], project) for stage in STAGES}
    table("pipeline of 2,000 rows", found)
    table("stage", stages)
    whole, plain, *_ = found.values()
    promise("time of dvc repro / plain script", whole.wall / plain.wall, LIMIT)
    promise("CPU of dvc repro / plain script", whole.cpu / plain.cpu, LIMIT)


if __name__ == "__main__":
    main()
