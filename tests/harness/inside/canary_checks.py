"""Register a version for each scenario, check their releases at once, and print the results in the same order."""

import importlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

package, seconds_per_step, requests_per_second, scenarios = sys.argv[2:]
faults = importlib.import_module(f"{package}.drills.harness.faults")
canary_check = importlib.import_module(f"{package}.delivery.canary_check")


def checked(scenario):
    alias, speed = scenario["alias"], (float(seconds_per_step), float(requests_per_second))
    if not scenario["traffic"]:  # then there is nothing that takes time to measure
        speed = canary_check.LEAST_SECONDS, 0

    def react(weight, server):
        if weight >= scenario["from_weight"]:
            switch(alias).touch()

    return canary_check.check("champion", alias, *speed, react)


def switch(alias):
    return Path("data", alias).resolve()


found = json.loads(scenarios)
with redirect_stdout(sys.stderr):
    for number, scenario in enumerate(found):
        scenario["alias"] = f"scenario-{number}"
        fault = {name: scenario[name] for name in ("errors", "seconds", "shifted", "ready")}
        faults.register(scenario["alias"], switch=str(switch(scenario["alias"])), **fault)
    with ThreadPoolExecutor(len(found)) as threads:
        results = [*threads.map(checked, found)]
print(json.dumps([one.model_dump(mode="json") for one in results]))
