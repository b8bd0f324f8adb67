"""One definition for training and server, with real Redis and PostgreSQL: joins see no future, and all keys are equal."""

import json
import re
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit

import pytest
from harness.projects import bash_blocks, inside
from harness.prometheus import firing, prometheus
from harness.server import Server, eventually, serving
from harness.template import ROOT, Project

KEY = "customer_id"
ALERTS = ["FeatureStoreDown", "FeaturesMissing"]
NOT_LOADED = "FeaturesNotLoaded"
COMMANDS = ROOT / "tests/harness/inside/features.py"
DEFAULTS = json.dumps(
    dict.fromkeys(["tenure_months", "monthly_charge", "support_calls"], 1.0)
    | dict.fromkeys(["contract", "payment", "region"], "none")
)


@dataclass(frozen=True)
class Store:
    """A project with a champion, and where its stores are."""

    project: Project
    variables: dict[str, str]

    def features(self, *commands: str) -> list[tuple[int, str]]:
        """Run `poe features` for each command, and return exit codes and what was printed."""
        python = ["uv", "run", "--project", "feature_store", "--no-active", "python"]
        done = self.project.run(*python, COMMANDS, *commands, PYTHONPATH="src:feature_store", rc=0, **self.variables)
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def store(looping: Project, extended: Callable[..., None], redis: tuple[str, Popen[bytes]], postgresql: str) -> Store:
    extended(looping, maturity_level=2, feature_store="feast")
    return Store(looping, {"FEATURE_STORE_REDIS": redis[0], "FEATURE_STORE_REGISTRY": postgresql})


def by_key(server: Server, *keys: str) -> tuple[int, Any]:
    answer = server.ask("/entities/predict", {"rows": [{KEY: key} for key in keys]})
    return answer.status, answer.json


def stop_loading(store: Store, days: int) -> None:
    """Leave in Redis what a daily job leaves that ran for the last time some days ago."""
    address = urlsplit(store.variables["FEATURE_STORE_REDIS"])
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(f"SET customer_churn:materialized {time.time() - days * 86400:.0f}\r\n".encode())
        assert client.recv(5) == b"+OK\r\n"


def test_features_are_defined_once_for_training_and_server(
    store: Store, redis: tuple[str, Popen[bytes]], tmp_path: Path, tool: Callable[[str], str]
):
    project, process, program = store.project, redis[1], tool("prometheus")
    commands, question = bash_blocks(project.text("docs/feature-store.md"))
    documented = re.findall("uv run poe features (.+)", commands)
    unknown, leak, apply, empty, *loaded = store.features("check", "LEAK=1 apply", "apply", "check", *documented)
    assert unknown == [1, "features check: no features are registered: `uv run poe features apply` does\n"]
    assert leak[0] == 1
    assert "churned, customer_value: a feature of feature_store/definitions.py, but in KNOWN_LATER" in leak[1]
    assert "8 features of customer_id" in apply[1]
    assert empty[0] == 1
    assert "Redis has no features: `uv run poe features materialize`" in empty[1]
    assert [code for code, _ in loaded] == [0, 0, 0]
    assert "join: 2000 rows have the features that were known at their time" in loaded[-1][1]
    assert "Redis: 2000 entities have their newest features" in loaded[-1][1]
    check_join(store)
    check_server(store, process, question)
    project.process("drill", "feature-store-down", rc=0, **store.variables)
    evidence = project.json("reports/drills/feature-store-down.json")
    assert (evidence["recovered"], evidence["requests_failed"]) == (True, 0)
    check_without_store(store, process, tmp_path, program)


def check_join(store: Store) -> None:
    """Rows keep their order, none is lost, and none sees rows of the future."""
    inside(store.project, "feature_rows.py", "labels")
    nowhere = "FEATURE_STORE_REDIS=redis://127.0.0.1:1"
    no_registry = "FEATURE_STORE_REGISTRY=postgresql+psycopg://me:secret@127.0.0.1:1/none"
    joined, down, lost = store.features(
        "join data/labels.parquet data/joined.parquet", f"{nowhere} materialize", f"{no_registry} apply"
    )
    assert joined == [0, "data/joined.parquet: 2002 rows\n"]
    assert down[0] == 1
    assert "Redis at redis://127.0.0.1:1 does not respond" in down[1]
    assert lost[0] == 1
    assert lost[1].startswith(
        "features apply: the registry of the features, postgresql+psycopg://me:***@127.0.0.1:1/none"
    )
    assert lost[1].count("\n") == 1
    found = inside(store.project, "feature_rows.py", "joined")
    assert found.pop("keys")
    assert found == {"in_order": True, "rows": 2002, "different": 0, "without_features": 2}


def check_server(store: Store, process: Popen[bytes], question: str) -> None:
    """Each thing that may be wrong with the store has one answer, and the server reads features again afterwards."""
    project = store.project
    keys = inside(project, "feature_rows.py", "joined")["keys"]
    with serving(project, **store.variables) as server:
        eventually("a model", server.ready)
        asked = project.run("bash", "-euc", question.replace("localhost:8080", urlsplit(server.url).netloc)).stdout
        assert json.loads(asked)["version"] == "1"
        status, found = by_key(server, *keys)
        assert (status, len(found["predictions"])) == (200, 2)
        assert by_key(server, "C-none")[0] == 404
        process.send_signal(signal.SIGSTOP)
        status, found = by_key(server, *keys)
        assert (status, found["error"][:31]) == (503, "the feature store does not resp")
        process.send_signal(signal.SIGCONT)
        assert eventually("features again", lambda: by_key(server, *keys)[0] == 200)


def check_without_store(store: Store, process: Popen[bytes], folder: Path, program: str) -> None:
    """Defaults replace rows that are too old, entities that are unknown, and those of a store that is down; alerts fire."""
    path = store.project.path / "config/features.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "max_age_seconds": 1}))
    keys = inside(store.project, "feature_rows.py", "joined")["keys"]
    with (
        serving(
            store.project, **store.variables, FEATURE_STORE_DEFAULTS=DEFAULTS, FEATURE_STORE_CHECK_SECONDS="1"
        ) as server,
        prometheus(store.project, {"server:8080": server.url}, folder, program, [*ALERTS, NOT_LOADED]) as address,
    ):
        eventually("a model", server.ready)
        assert by_key(server, *keys, "C-none")[0] == 200
        metrics = server.ask("/metrics").text
        assert 'feature_reads_total{outcome="stale"} 2.0' in metrics
        assert 'feature_reads_total{outcome="unknown"} 1.0' in metrics
        assert re.search(r"feature_store_loaded_timestamp_seconds 1\.\d+e\+09", metrics)
        stop_loading(store, days=3)
        assert eventually(NOT_LOADED, lambda: firing(address, NOT_LOADED))
        (mitigation,) = re.findall(
            rf"{NOT_LOADED} .*`uv run poe features (\w+)`", store.project.text("docs/feature-store.md")
        )
        assert store.features(mitigation)[0][0] == 0
        assert eventually("the features are new", lambda: not firing(address, NOT_LOADED))
        process.kill()
        assert by_key(server, *keys)[0] == 200
        assert 'feature_reads_total{outcome="unavailable"} 2.0' in server.ask("/metrics").text
        for name in ALERTS:
            eventually(name, lambda name=name: by_key(server, *keys) and firing(address, name))
