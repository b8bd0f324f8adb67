"""What Copier's `--trust` runs: nothing but what the README names, and no network call."""

import json
import subprocess
import sys
from pathlib import Path

from harness.lifting import commit, repository

WATCHED = """
import json, sys
from pathlib import Path
log = open(sys.argv[1], "w")

def watch(event, arguments):
    if event == "subprocess.Popen":
        log.write(json.dumps(["run", [str(part) for part in arguments[1]]]) + "\\n")
    elif event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        log.write(json.dumps(["network", event]) + "\\n")

sys.addaudithook(watch)
import copier
if sys.argv[2] == "copy":
    copier.run_copy(sys.argv[3], sys.argv[4], defaults=True, unsafe=True, quiet=True)
else:
    copier.run_update(sys.argv[4], data={"maturity_level": 1}, defaults=True, overwrite=True, unsafe=True, quiet=True)
log.close()
"""
KNOWN = {"uname"}  # Python's own platform.uname(), which Copier uses
SETTINGS = {"user.name", "user.email", "github.user"}


def watched(log: Path, *arguments: str | Path) -> list[list]:
    """Run Copier and return the programs that it starts and the network calls that it makes."""
    subprocess.run([sys.executable, "-c", WATCHED, log, *arguments], check=True, capture_output=True)
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_copy_reads_git_settings_and_uses_no_network(template, tmp_path):
    events = watched(tmp_path / "log", "copy", template, tmp_path / "project")
    programs = [command for kind, command in events if kind == "run"]
    assert [event for event in events if event[0] == "network"] == []
    assert {Path(command[0]).stem for command in programs} - KNOWN == {"git"}
    assert {command[-1] for command in programs if command[:3] == ["git", "config", "--get"]} <= SETTINGS


def test_update_runs_two_scripts_and_uses_no_network(template, render, tmp_path):
    project = repository(render(maturity_level=0), tmp_path / "project")
    commit(project, "Start")
    events = watched(tmp_path / "log", "update", template, project.path)
    programs = [command for kind, command in events if kind == "run"]
    scripts = [command for command in programs if Path(command[0]).stem not in {"git", *KNOWN}]
    assert [event for event in events if event[0] == "network"] == []
    assert [Path(command[-1]).name for command in scripts] == ["check_git_settings.py", "report_conflicts.py"]
