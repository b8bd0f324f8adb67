"""Measures the cost of commands side by side, and writes the results."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
BYTE_CODE = "PYTHONDONTWRITEBYTECODE"


@dataclass(frozen=True)
class Cost:
    """The resources that a process and its children used."""

    wall: float  # seconds
    cpu: float  # seconds
    memory: float  # MB, of the largest process


def environment() -> dict[str, str]:
    """Return the environment of the commands, in which byte code is written: without it each import compiles again."""
    unwanted = {BYTE_CODE, "VIRTUAL_ENV", "PYTHONPATH"}
    python = getattr(sys, "_base_executable", sys.executable)
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {"UV_PYTHON": python, "UV_PYTHON_DOWNLOADS": "never", **kept}


def cost(command: Sequence[str | Path], folder: Path) -> Cost:
    """Run a command until it ends; exit if it fails."""
    with tempfile.TemporaryFile() as output:
        started = perf_counter()
        process = subprocess.Popen(list(map(str, command)), cwd=folder, env=environment(), stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        wall = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(map(str, command))}\n{output.read().decode()}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def alternated(candidates: dict[str, Callable[[], Cost]], repetitions: int) -> dict[str, Cost]:
    """Return the lowest cost of each candidate; they take turns, so that load of other processes affects all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in candidates}
    for _ in range(repetitions):
        for name, run in candidates.items():
            costs[name].append(run())
    return {
        name: Cost(*(min(getattr(one, field) for one in found) for field in ("wall", "cpu", "memory")))
        for name, found in costs.items()
    }


@dataclass(frozen=True)
class Promise:
    """A measured figure and its limit."""

    what: str
    measured: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def limit(self) -> str:
        """Return the limit as text."""
        return f"at most {number(self.at_most)}" if self.at_most is not None else f"at least {number(self.at_least)}"

    @property
    def kept(self) -> bool:
        """Return whether the figure is within its limit."""
        return (self.at_most is None or self.measured <= self.at_most) and (
            self.at_least is None or self.measured >= self.at_least
        )


def number(value: float | None) -> str:
    """Return a figure with the digits that mean something."""
    return "" if value is None else f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


def lowest_of(repetitions: int) -> str:
    """Return how costs were measured."""
    runs = f"the lowest of {repetitions} runs" if repetitions > 1 else "one run"
    return f"{runs} of each command, in turns, after one that writes byte code; CPU seconds include child processes"


def costs(found: dict[str, Cost]) -> dict[str, dict[str, float]]:
    """Return costs as rows of a table of results."""
    return {
        name: {
            "cpu_seconds": round(one.cpu, 2),
            "wall_seconds": round(one.wall, 2),
            "peak_megabytes": round(one.memory),
        }
        for name, one in found.items()
    }


def write_results(name: str, method: str, promises: Sequence[Promise], tables: dict[str, Any]) -> None:
    """Write the figures of a benchmark to `results/NAME.json`, and print its promises."""
    described = ["git", "describe", "--always", "--dirty"]
    content = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": subprocess.run(described, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip(),
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "method": method,
        "promises": [{key: value for key, value in asdict(each).items() if value is not None} for each in promises],
        "tables": tables,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(path.relative_to(ROOT))
    for each in promises:
        print(f"  {each.what}: {number(each.measured)}, {each.limit}: {'kept' if each.kept else 'NOT KEPT'}")


@contextmanager
def template() -> Iterator[Path]:
    """Yield a clone of the working tree with a version, from which Copier can copy and update."""
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name, "copier-mlops")
        listed = subprocess.run(
            ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split("\0")
        for path in filter(None, listed):
            if (ROOT / path).is_file():
                (clone / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, clone / path)
        commit(clone)
        subprocess.run(["git", "tag", "v999.0.0"], cwd=clone, check=True)
        yield clone


def commit(folder: Path) -> None:
    """Make a repository of a folder, with one commit."""
    author = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "Start"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def render(source: Path, folder: Path, level: int) -> Path:
    """Render a project with defaults and return its folder."""
    from copier import run_copy

    run_copy(str(source), folder, data={"maturity_level": level}, defaults=True, unsafe=True, quiet=True)
    return folder


@contextmanager
def installed(level: int, promoted: bool = False) -> Iterator[tuple[Path, Path]]:
    """Yield a scratch folder and a project of a level in it, with its environment; and with a champion, if it is promoted."""
    with template() as source, tempfile.TemporaryDirectory() as name:
        project = render(source, Path(name, "project"), level)
        install(project)
        if promoted:
            cost(["uv", "run", "poe", "pipeline"], project)
            commit(project)
            cost(["uv", "run", "poe", "promote", "--version", "1", "--approved-by", "bench"], project)
        yield Path(name), project


def found_by(cases: Path, level: int, *arguments: object, first: str = "") -> Any:
    """Return what a script in `peers/` finds in a project of a level: the JSON in the last line that it prints.

    Args:
        cases: the script; its first argument is the name of the project's package.
        level: of the project.
        arguments: further ones of the script.
        first: a command of the project that runs before.
    """
    with installed(level) as (_, project):
        package = next(path.parent.name for path in project.glob("src/*/__init__.py"))
        python = project / ".venv/bin/python"
        if first:
            printed([python, "-m", package, first], project)
        return json.loads(printed([python, cases, package, *map(str, arguments)], project).splitlines()[-1])


def printed(command: Sequence[str | Path], project: Path) -> str:
    """Return what a command prints in a project; exit if it fails."""
    command = list(map(str, command))
    done = subprocess.run(command, cwd=project, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def install(folder: Path) -> None:
    """Make the environment of a project and commit it."""
    cost(["uv", "sync", "--quiet"], folder)
    commit(folder)
