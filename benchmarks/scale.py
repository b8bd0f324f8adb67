"""Time and memory of each stage as the data grows from 50,000 to 500,000 rows with 120 features."""

import argparse
import tempfile
from pathlib import Path

import yaml
from measure import Cost, Promise, alternated, cost, costs, install, lowest_of, render, template, write_results

PACKAGE = "customer_churn"
STAGES = ["ingest", "validate", "split", "train", "evaluate", "register"]
SIMULATED = 8  # features of the simulator
NOISE = 112  # features in addition
RETURN = "    return simulate(**params.model_dump(), seed=seed)\n"  # of `ingest`
RETURN_WITH_NOISE = f"""    import numpy as np

    noise = np.random.default_rng(seed).standard_normal((params.customers, {NOISE}), dtype="float32")
    frame = simulate(**params.model_dump(), seed=seed)
    return pd.concat([frame, pd.DataFrame(noise).add_prefix("noise_")], axis="columns")
"""
ROWS = [50_000, 250_000, 500_000]
TOLERANCE = 1.25  # of a growth with the number of rows
MOST_MEMORY = 8 * 1024  # MB
LEAST = 0.2  # seconds: a smaller difference between two sizes is noise


def widen(project: Path) -> None:
    """Add numeric columns without any information to the simulated data."""
    path = project / f"src/{PACKAGE}/modeling/data.py"
    text = path.read_text(encoding="utf-8")
    assert RETURN in text, path
    path.write_text(text.replace(RETURN, RETURN_WITH_NOISE), encoding="utf-8")


def resize(project: Path, rows: int) -> None:
    """Set the size of the simulated data."""
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["data"]["customers"] = rows
    path.write_text(yaml.safe_dump(params), encoding="utf-8")


def run(project: Path, rows: int, repetitions: int) -> dict[str, Cost]:
    """Return the cost of each stage at a size."""
    resize(project, rows)
    python = project / ".venv/bin/python"
    return alternated(
        {stage: lambda stage=stage: cost([python, "-m", PACKAGE, stage], project) for stage in STAGES}, repetitions
    )


def growth(found: list[Cost], field: str) -> float:
    """Return what a further row costs between the second and the third size, divided by what it costs before.

    Both are differences, so the time to start is in neither.
    """
    small, medium, large = (getattr(one, field) for one in found)
    before = max(medium - small, LEAST) / (ROWS[1] - ROWS[0])
    after = max(large - medium, LEAST) / (ROWS[2] - ROWS[1])
    return after / before


def main() -> None:
    """Write a table for each size, the growth of each stage, and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3, help="runs of each size, of which the lowest counts")
    repetitions = parser.parse_args().repetitions
    with template() as source, tempfile.TemporaryDirectory() as name:
        project = render(source, Path(name, "project"), 1)
        install(project)
        widen(project)
        run(project, ROWS[0], repetitions=1)  # writes byte code
        sizes = [run(project, rows, repetitions) for rows in ROWS]
    promises = [
        Promise(
            f"{stage}: {unit} of a row beyond 250,000 / of one before",
            growth([size[stage] for size in sizes], field),
            at_most=TOLERANCE,
        )
        for stage in STAGES
        for field, unit in (("wall", "time"), ("cpu", "CPU"))
    ]
    peak = max(one.memory for one in sizes[-1].values())
    promises.append(Promise("peak memory of a stage, MB", peak, at_most=MOST_MEMORY))
    tables = {
        f"{rows:,} rows x {NOISE + SIMULATED} features": costs(found) for rows, found in zip(ROWS, sizes, strict=True)
    }
    write_results("scale", lowest_of(repetitions), promises, tables)


if __name__ == "__main__":
    main()
