"""What the prediction log costs a server: CPU time of a request with it and without it, measured in turns."""

import re
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from measure import Promise, installed, write_results
from serving import Candidate, load, running

ROUNDS = 9
ROW = {
    "tenure_months": 7,
    "monthly_charge": 61.5,
    "support_calls": 2,
    "data_usage_gb": 9.25,
    "satisfaction": 4,
    "contract": "monthly",
    "payment": "card",
    "region": "north",
}
WITHOUT = (
    "import sys; from customer_churn.serving import __main__, plugins;"
    " from customer_churn.serving.plugins import prediction_log; prediction_log.plugin = plugins.Plugin;"
    " sys.argv = ['serve', '--port', '9012']; __main__.main()"
)


def used(port: int) -> tuple[float, float]:
    """Return CPU seconds and answered requests of a server since its start."""
    text = urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    cpu, requests = (
        sum(map(float, re.findall(rf"^{name}(?:{{.*}})? (\S+)", text, re.MULTILINE)))
        for name in ("process_cpu_seconds_total", "inference_requests_total")
    )
    return cpu, requests


def microseconds(server: Candidate, clients: int, folder: Path) -> float:
    """Return the CPU time of a request, while clients send requests of one row."""
    before = used(server.port)
    load(server, 1, clients, folder)
    cpu, requests = (now - then for now, then in zip(used(server.port), before, strict=True))
    return cpu / requests * 1e6


def measured(servers: dict[str, Candidate], clients: int, folder: Path) -> dict[str, float]:
    """Return the median over all rounds by server."""
    found: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, server in servers.items():
            found[name].append(microseconds(server, clients, folder))
    return {name: round(median(values), 1) for name, values in found.items()}


def main() -> None:
    """Write the figures."""
    with installed(2, promoted=True) as (folder, project), ExitStack() as stack:
        python = project / ".venv/bin/python"
        commands = {
            ("with the log", 9011): [python, "-m", "customer_churn.serving", "--port", "9011"],
            ("without", 9012): [python, "-c", WITHOUT],
        }
        servers = {
            name: Candidate(name, command, project, port, "/predict", lambda count: {"rows": [ROW] * count})
            for (name, port), command in commands.items()
        }
        for server in servers.values():
            stack.enter_context(running(server))
        tables = {f"{clients} clients": measured(servers, clients, folder) for clients in (1, 16)}
    promises = [
        Promise(f"{when}: CPU time of a request with the log / without", one["with the log"] / one["without"], 1.03)
        for when, one in tables.items()
    ]
    method = f"wrk loads one server after the other for 3 s with requests of one row; medians of {ROUNDS} rounds"
    write_results("prediction_log", method, promises, {"CPU microseconds": tables})


if __name__ == "__main__":
    main()
