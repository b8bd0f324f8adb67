"""Time and memory of each stage as the data grows from 2,000 rows to 500,000 rows with 120 features."""

import argparse
import re
import tempfile
from pathlib import Path

import yaml
from measure import Cost, Promise, alternated, cost, costs, install, lowest_of, render, template, write_results

PACKAGE = "customer_churn"
STAGES = ["ingest", "validate", "split", "train", "evaluate", "register"]
SIMULATED = 8  # features of the simulator
SIZES = [(2_000, 0), (50_000, 112), (500_000, 112)]  # rows, and noise features in addition
RETURN = r"    return simulate\(.*\)\n|    import numpy(?:.|\n)*axis=\"columns\"\)\n"  # of `ingest`
RETURN_WITH_NOISE = """    import numpy as np

    noise = np.random.default_rng(seed).standard_normal((params.customers, {}), dtype="float32")
    frame = simulate(**params.model_dump(), seed=seed)
    return pd.concat([frame, pd.DataFrame(noise).add_prefix("noise_")], axis="columns")
"""
TOLERANCE = 1.2  # of a growth with the number of rows
MOST_MEMORY = 8 * 1024  # MB
LEAST = 0.2  # seconds: a smaller difference from start-up is noise


def resize(project: Path, rows: int, noise_features: int) -> None:
    """Set the size of the simulated data: of its rows, and by further numeric columns that tell nothing."""
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["data"]["customers"] = rows
    path.write_text(yaml.safe_dump(params), encoding="utf-8")
    path = project / f"src/{PACKAGE}/modeling/data.py"
    text, replaced = re.subn(RETURN, RETURN_WITH_NOISE.format(noise_features), path.read_text(encoding="utf-8"))
    assert replaced == 1, path
    path.write_text(text, encoding="utf-8")


def run(project: Path, size: tuple[int, int], repetitions: int) -> dict[str, Cost]:
    """Return the cost of each stage at a size."""
    resize(project, *size)
    python = project / ".venv/bin/python"
    return alternated(
        {stage: lambda stage=stage: cost([python, "-m", PACKAGE, stage], project) for stage in STAGES}, repetitions
    )


def growth(start: Cost, medium: Cost, large: Cost, field: str) -> float:
    """Return the cost of the large size divided by that of the medium one, both without start-up."""
    before, after = (getattr(one, field) - getattr(start, field) for one in (medium, large))
    return max(after, 0) / max(before, LEAST)


def main() -> None:
    """Write a table for each size, the growth of each stage, and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1, help="runs of each size, of which the lowest counts")
    repetitions = parser.parse_args().repetitions
    with template() as source, tempfile.TemporaryDirectory() as name:
        project = render(source, Path(name, "project"), 1)
        install(project)
        run(project, SIZES[0], repetitions=1)  # writes byte code
        small, medium, large = (run(project, size, repetitions) for size in SIZES)
    limit = SIZES[2][0] / SIZES[1][0] * TOLERANCE
    promises = [
        Promise(
            f"{stage}: {unit} at 500,000 rows / 50,000 rows, without start-up",
            growth(start, medium[stage], large[stage], field),
            at_most=limit,
        )
        for stage, start in small.items()
        for field, unit in (("wall", "time"), ("cpu", "CPU"))
    ]
    peak = max(one.memory for one in large.values())
    promises.append(Promise("peak memory of a stage, MB", peak, at_most=MOST_MEMORY))
    tables = {
        f"{rows:,} rows x {noise_features + SIMULATED} features": costs(found)
        for (rows, noise_features), found in zip(SIZES, (small, medium, large), strict=True)
    }
    write_results("scale", lowest_of(repetitions), promises, tables)


if __name__ == "__main__":
    main()
