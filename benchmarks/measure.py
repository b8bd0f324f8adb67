"""What a command costs, measured side by side."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
BYTE_CODE = "PYTHONDONTWRITEBYTECODE"


@dataclass(frozen=True)
class Cost:
    """What a process and its children took."""

    wall: float  # seconds
    cpu: float  # seconds
    memory: float  # MB, of the largest process


def environment() -> dict[str, str]:
    """Return the environment of the commands: byte code is written, since without it every import compiles again."""
    unwanted = {BYTE_CODE, "VIRTUAL_ENV", "PYTHONPATH"}
    python = getattr(sys, "_base_executable", sys.executable)
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {"UV_PYTHON": python, "UV_PYTHON_DOWNLOADS": "never", **kept}


def cost(command: Sequence[str | Path], folder: Path) -> Cost:
    """Run a command to its end; fail if it does."""
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
    """Return the least cost of each candidate; they take turns, so that a noisy moment meets all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in candidates}
    for _ in range(repetitions):
        for name, run in candidates.items():
            costs[name].append(run())
    return {
        name: Cost(*(min(getattr(one, field) for one in found) for field in ("wall", "cpu", "memory")))
        for name, found in costs.items()
    }


def conditions(repetitions: int) -> None:
    """Print how the tables that follow were measured."""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores. CPU seconds include children; each figure is the"
        f" least of {repetitions} {'runs' if repetitions > 1 else 'run'}, taken in turns. {BYTE_CODE} is unset for the"
        " commands, and their byte code is there before they are measured."
    )


def table(header: str, rows: dict[str, Cost]) -> None:
    """Print costs as a Markdown table."""
    print(f"\n| {header} | CPU s | wall s | peak MB |\n| --- | --- | --- | --- |")
    for name, one in rows.items():
        print(f"| {name} | {one.cpu:.2f} | {one.wall:.2f} | {one.memory:.0f} |")


def promise(what: str, ratio: float, limit: float) -> None:
    """Print whether a ratio is within its limit."""
    print(f"\n{what}: {ratio:.2f}, {'within' if ratio <= limit else '**over**'} {limit:g}")


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


def install(folder: Path) -> None:
    """Make the environment of a project and commit it."""
    cost(["uv", "sync", "--quiet"], folder)
    commit(folder)
