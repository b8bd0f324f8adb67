"""What Envoy costs a request on its way to the server, with and without a copy for a shadow: measured in turns."""

import os
from contextlib import ExitStack
from statistics import median

from measure import Promise, installed, write_results
from prediction_log import ROW
from serving import Candidate, load, running

ROUNDS = 9
PROXY = (
    "import time; from customer_churn.delivery.envoy import envoy\n"
    "with envoy({{'server': '127.0.0.1:9021'}}, {shadow}, {port}) as proxy: proxy.set_weights(server=100); time.sleep(1e6)"
)


def main() -> None:
    """Write the figures."""
    with installed(2, promoted=True) as (folder, project), ExitStack() as stack:
        python = project / ".venv/bin/python"
        server = [python, "-m", "customer_churn.serving", "--port"]
        commands = {
            ("direct", 9021): [*server, "9021"],
            ("the shadow", 9022): [*server, "9022"],
            ("through Envoy", 9023): [python, "-c", PROXY.format(shadow=None, port=9023)],
            ("with a shadow", 9024): [python, "-c", PROXY.format(shadow="'127.0.0.1:9022'", port=9024)],
        }
        ways = {
            name: Candidate(name, command, project, port, "/predict", lambda count: {"rows": [ROW] * count})
            for (name, port), command in commands.items()
        }
        for way in ways.values():
            stack.enter_context(running(way))
        del ways["the shadow"]
        busy = os.getloadavg()[0]
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                found[name].append(load(way, 1, 1, folder).p50)
    middle = {name: round(median(values), 3) for name, values in found.items()}
    added = middle["through Envoy"] - middle["direct"]
    promises = [Promise("median time of a request through Envoy - direct, ms", added, 1)]
    method = (
        f"wrk sends one row after the other for 3 s by each way in turns; medians of {ROUNDS} rounds;"
        f" load {busy:.1f} before them"
    )
    write_results("envoy", method, promises, {"median milliseconds of a request": middle})


if __name__ == "__main__":
    main()
