"""Let a promotion die before each of its writes in turn, and print what the next one makes of it: MODEL PACKAGE FIRST SECOND."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import forget

model, package, first, second = sys.argv[1:]
audit = import_module(f"{package}.audit")
registry = import_module(f"{package}.registry")
found, died = [], True
while died:
    forget.forget(model)
    audit._open.cache_clear()
    registry.promote(model, first, "Grace")
    crash = [Path(__file__).with_name("crash.py"), model, package, second, str(len(found) + 1)]
    died = subprocess.run([sys.executable, *crash], check=False).returncode < 0
    registry.promote(model, second, "Grace")
    entries = audit.entries()
    found.append(
        {
            "died": died,
            "champion": registry.champion(registry.MlflowClient(), model),
            "events": [[entry["event"], entry["version"]] for entry in entries],
            "problems": audit.verify(entries, registry.newest_entry()) + registry.unlogged(entries),
        }
    )
print(json.dumps(found))
