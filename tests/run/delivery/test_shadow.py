"""`poe shadow`: clients get the champion's predictions only, and the challenger's are in a log of their own."""

import re
import signal

from harness.server import background, eventually
from harness.template import Project, clean_environment

ROWS = 40
SEND = """
import sys
from {package}.core.io import read_table
from {package}.core.paths import TEST
from {package}.monitoring.client import Client
client = Client(sys.argv[1])
answers = client.send(read_table(TEST).head({rows}))
print(client.failed, *sorted({{one["version"] for one in answers if one}}))
"""


def compared(project: Project) -> int:
    """Return how many rows a report compares."""
    reported = re.match(
        r"(\d+) rows by version 1 and, in its shadow, 2: ", project.poe("shadow", "report", rc=None).stdout
    )
    return int(reported[1]) if reported else 0


def test_challenger_predicts_what_the_champion_serves(looping: Project):
    package = looping.answers["package_name"]
    looping.python(f"from {package}.drills.harness import faults; faults.register(shifted=True)")
    none = looping.process("shadow", "report", rc=1).stderr
    assert "no request is in both logs" in none
    command = [looping.path / ".venv/bin/python", "-m", f"{package}.delivery.shadow", "start", "--port", "0"]
    log = looping.path / "shadow.log"
    with background(command, log, cwd=looping.path, env=clean_environment()) as process:
        found = eventually("both servers", lambda: re.match(r"(\S+) serves version 1; version 2 logs", log.read_text()))
        send = looping.path / "send.py"
        send.write_text(SEND.format(package=package, rows=ROWS))
        assert looping.run(looping.path / ".venv/bin/python", send, found[1]).stdout.split() == ["0", "1"]
        eventually("all predictions in both logs", lambda: compared(looping) == ROWS)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    result = looping.json("reports/shadow.json")
    assert (result["served"], result["shadow"]) == ("1", "2")
    assert (result["rows"], result["only_served"]) == (ROWS, 0)
    assert all(one["prediction_shadow"] > one["prediction"] + 0.2 for one in result["largest"])
    assert "Largest differences" in looping.text("reports/shadow.html")
