"""Register a version for each scenario of the standard input, check all of them at once, and print the results by name."""

import importlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

package, seconds_per_step, requests_per_second = sys.argv[1:]
faults = importlib.import_module(f"{package}.drills.harness.faults")
canary_check = importlib.import_module(f"{package}.delivery.canary_check")
scenarios = json.load(sys.stdin)


def registered(number, scenario):
    fault = {name: scenario[name] for name in ("errors", "seconds", "shifted", "ready")}
    return faults.register(alias(number), switch=str(switch(number)), **fault)


def alias(number):
    return f"scenario-{number}"


def switch(number):
    return Path("data", alias(number)).resolve()


def checked(number, scenario):
    def react(weight, server):
        if weight >= scenario["from_weight"]:
            switch(number).touch()

    if not scenario["traffic"]:  # then there is nothing to measure
        return canary_check.check("champion", alias(number), canary_check.LEAST_SECONDS, 0, react)
    return canary_check.check("champion", alias(number), float(seconds_per_step), float(requests_per_second), react)


for number, scenario in enumerate(scenarios):
    registered(number, scenario)
with ThreadPoolExecutor(len(scenarios)) as threads:
    results = [*threads.map(checked, range(len(scenarios)), scenarios)]
print(json.dumps([one.model_dump(mode="json") | {"weights": one.weights} for one in results]))
