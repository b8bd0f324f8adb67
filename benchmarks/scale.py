"""Time and memory of each stage as the data grows from 2,000 rows to 500,000 rows with 120 features."""

import tempfile
from pathlib import Path

import yaml
from measure import Cost, cost, install, promise, render, table, template

PACKAGE = "customer_churn"
STAGES = ["ingest", "validate", "split", "train", "evaluate", "register"]
SIZES = [(2_000, 0), (50_000, 112), (500_000, 112)]  # rows, and noise features besides the eight of the simulator
TOLERANCE = 1.2  # of a growth with the number of rows
MOST_MEMORY = 8 * 1024  # MB


def run(project: Path, rows: int, noise_features: int) -> dict[str, Cost]:
    """Return the cost of each stage at a size."""
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["data"] |= {"customers": rows, "noise_features": noise_features}
    path.write_text(yaml.safe_dump(params), encoding="utf-8")
    return {stage: cost([project / ".venv/bin/python", "-m", PACKAGE, stage], project) for stage in STAGES}


def main() -> None:
    """Print a table a size, the growth of each stage, and the most memory."""
    with template() as source, tempfile.TemporaryDirectory() as name:
        project = render(source, Path(name, "project"), 1)
        install(project)
        run(project, *SIZES[0])  # writes byte code
        small, medium, large = (run(project, *size) for size in SIZES)
    for (rows, noise_features), found in zip(SIZES, (small, medium, large), strict=True):
        table(f"{rows:,} rows x {noise_features + 8} features", found)
    growth = SIZES[2][0] / SIZES[1][0]
    for stage, start in small.items():
        grown = max(large[stage].wall - start.wall, 0) / max(medium[stage].wall - start.wall, 0.1)
        promise(f"{stage}: time at 500,000 rows / 50,000 rows, less start-up", grown, growth * TOLERANCE)
    promise("most memory of a stage, MB", max(one.memory for one in large.values()), MOST_MEMORY)


if __name__ == "__main__":
    main()
