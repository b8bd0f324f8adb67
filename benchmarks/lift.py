"""A lift from the lowest to the highest level, against a copy of the highest."""

import shutil
import sys
import tempfile
from pathlib import Path

import yaml
from measure import ROOT, Promise, alternated, commit, cost, costs, lowest_of, render, template, write_results

COPY = (
    "import sys, copier\n"
    "copier.run_copy(sys.argv[1], sys.argv[2], data={'maturity_level': int(sys.argv[3])},"
    " defaults=True, unsafe=True, quiet=True)"
)
UPDATE = (
    "import sys, copier\n"
    "copier.run_update('.', data={'maturity_level': int(sys.argv[1])}, vcs_ref=copier.VcsRef.CURRENT,"
    " defaults=True, overwrite=True, unsafe=True, quiet=True)"
)
LEVEL = (
    "import contextlib, sys\n"
    "from copier_mlops.cli import main\n"
    "with contextlib.suppress(SystemExit):\n"
    "    main(['level', *sys.argv[1:]])"
)
COUNT = (
    "import subprocess, sys\n"
    "started = []\n"
    "sys.addaudithook(lambda event, _: started.append(event) if event == 'subprocess.Popen' else None)\n"
)
LIMIT = 3  # times the CPU seconds of a copy
REPETITIONS = 5


def processes(script: str, folder: Path, *arguments: str | Path) -> int:
    """Return the number of processes that a script starts."""
    counted = folder / "count"
    code = f"{COUNT}{script}\nopen({str(counted)!r}, 'w').write(str(len(started)))"
    cost([sys.executable, "-c", code, *arguments], folder)
    number = int(counted.read_text())
    counted.unlink()
    return number


def main() -> None:
    """Write the comparison."""
    highest = max(
        yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))["maturity_level"]["choices"].values()
    )
    with template() as source, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        low = render(source, folder / "low", 0)
        commit(low)

        def fresh(from_level: bool) -> Path:
            shutil.rmtree(folder / "out", ignore_errors=True)
            return shutil.copytree(low, folder / "out") if from_level else folder / "out"

        found = alternated(
            {
                f"copier copy of level {highest}": lambda: cost(
                    [sys.executable, "-c", COPY, source, fresh(False), str(highest)], folder
                ),
                f"copier update from 0 to {highest}": lambda: cost(
                    [sys.executable, "-c", UPDATE, str(highest)], fresh(True)
                ),
                f"poe level {highest}": lambda: cost(
                    [sys.executable, "-m", "copier_mlops", "level", str(highest)], fresh(True)
                ),
            },
            REPETITIONS,
        )
        started = {
            "copier copy": processes(COPY, folder, source, fresh(False), str(highest)),
            "copier update": processes(UPDATE, fresh(True), str(highest)),
            f"poe level {highest}": processes(LEVEL, fresh(True), str(highest)),
        }
    copied, updated, lifted = (one.cpu for one in found.values())
    promises = [
        Promise("CPU of `copier update` / `copier copy`", updated / copied, at_most=LIMIT),
        Promise("CPU of `poe level` / `copier copy`", lifted / copied, at_most=LIMIT),
    ]
    tables = {f"lifting from level 0 to {highest}": costs(found), "processes started": started}
    write_results("lift", lowest_of(REPETITIONS), promises, tables)


if __name__ == "__main__":
    main()
