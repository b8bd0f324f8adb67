"""One definition for training and server, with real Redis and PostgreSQL: joins see no future, and all keys are equal."""

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from harness.projects import inside
from harness.server import Server, eventually, serving
from harness.template import Project

ANSWERS = {"maturity_level": 2, "feature_store": "feast"}
KEY = "customer_id"


@pytest.fixture(scope="module")
def feast(install: Callable[..., Project]) -> Project:
    """Return a project with a feature store, whose model is the champion."""
    project = install(**ANSWERS)
    project.poe("pipeline")
    project.commit("First model")
    project.poe("register")
    project.poe("promote", "--version", "2", "--approved-by", "Grace")
    return project


@dataclass(frozen=True)
class Store:
    """A project, and where its stores are."""

    project: Project
    variables: dict[str, str]

    def features(self, *arguments: str, rc: int | None = 0) -> str:
        """Run `poe features` and return what it printed."""
        done = self.project.process("features", *arguments, rc=rc, **self.variables)
        return done.stdout + done.stderr


@pytest.fixture
def store(feast: Project, redis: tuple[str, Any], postgresql: str) -> Store:
    return Store(feast, {"FEATURE_STORE_REDIS": redis[0], "FEATURE_STORE_REGISTRY": postgresql})


def by_key(server: Server, *keys: str) -> tuple[int, Any]:
    answer = server.ask("/entities/predict", {"rows": [{KEY: key} for key in keys]})
    return answer.status, answer.json


def test_features_are_joined_as_they_were_known_and_stored_as_the_server_reads_them(store):
    project = store.project
    assert "no features are registered" in store.features("check", rc=1)
    assert "8 features of customer_id" in store.features("apply")
    assert "Redis has no features" in store.features("check", rc=1)
    inside(project, "feature_rows.py", "labels")
    store.features("join", "data/labels.parquet", "data/joined.parquet")
    found = inside(project, "feature_rows.py", "joined")
    assert found == {"in_order": True, "rows": 2002, "different": 0, "without_features": 2}

    definitions = project.path / "feature_store/definitions.py"
    original = definitions.read_text()
    definitions.write_text(original.replace("raw.drop(columns=KNOWN_LATER)", "raw"))
    refused = store.features("apply", rc=1)
    definitions.write_text(original)
    assert "churned, customer_value: a feature of feature_store/definitions.py, but in KNOWN_LATER" in refused
    store.features("apply")
    store.features("materialize")
    assert "Redis: 2000 entities have their newest features" in store.features("check")


def test_server_answers_in_one_way_each_to_what_may_be_wrong(store, redis):
    store.features("apply")
    store.features("materialize")
    keys = inside(store.project, "feature_rows.py", "labels")["keys"]
    with serving(store.project, **store.variables) as server:
        eventually("a model", server.ready)
        status, found = by_key(server, *keys)
        assert (status, len(found["predictions"])) == (200, 2)
        assert by_key(server, "C-none")[0] == 404
        redis[1].send_signal(signal.SIGSTOP)
        status, found = by_key(server, *keys)
        assert (status, found["error"][:31]) == (503, "the feature store does not resp")
        redis[1].send_signal(signal.SIGCONT)
        assert eventually("features again", lambda: by_key(server, *keys)[0] == 200)
        redis[1].kill()
        assert eventually("no store", lambda: by_key(server, *keys)[0] == 503)
    defaults = json.dumps(
        dict.fromkeys(["tenure_months", "monthly_charge", "support_calls"], 1.0)
        | dict.fromkeys(["contract", "payment", "region"], "none")
    )
    with serving(store.project, **store.variables, FEATURE_STORE_DEFAULTS=defaults) as server:
        eventually("a model", server.ready)
        assert by_key(server, *keys)[0] == 200


def test_drill_of_a_store_that_hangs_recovers(store):
    store.features("apply")
    store.features("materialize")
    store.project.process("drill", "feature-store-down", **store.variables)
    evidence = store.project.json("reports/drills/feature-store-down.json")
    assert (evidence["recovered"], evidence["requests_failed"]) == (True, 0)
