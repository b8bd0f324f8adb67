"""Let a promotion die before each of its writes in turn, and print what the next one makes of it: MODEL PACKAGE FIRST SECOND."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from mlflow import MlflowClient

model, package, first, second = sys.argv[1:]
audit, audit_log, client, promotion = (
    import_module(f"{package}.registry.{name}") for name in ("audit", "audit_log", "client", "promotion")
)
found, died = [], True


def forget() -> None:
    """Forget all promotions."""
    client = MlflowClient("sqlite:///mlflow.db")
    model_now = client.get_registered_model(model)
    if "champion" in model_now.aliases:
        client.delete_registered_model_alias(model, "champion")
    for tag in model_now.tags:
        client.delete_registered_model_tag(model, tag)
    for path in Path().glob("audit.db*"):
        path.unlink()


while died:
    forget()
    audit_log._open.cache_clear()
    promotion.promote(model, first, promotion.claimed("Grace"))
    crash = [Path(__file__).with_name("crash.py"), model, package, second, str(len(found) + 1)]
    died = subprocess.run([sys.executable, *crash], check=False).returncode < 0
    promotion.promote(model, second, promotion.claimed("Grace"))
    entries = audit_log.entries()
    found.append(
        {
            "died": died,
            "champion": client.champion(promotion.MlflowClient(), model),
            "events": [[entry["event"], entry["version"]] for entry in entries],
            "problems": audit.problems(),
        }
    )
print(json.dumps(found))
