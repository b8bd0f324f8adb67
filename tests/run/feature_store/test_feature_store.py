"""One definition for training and server, with real Redis and PostgreSQL: joins see no future, and all keys are equal."""

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
from harness.server import Server, eventually, serving
from harness.template import Project

ANSWERS = {"maturity_level": 2, "feature_store": "feast"}
KEY, TIME = "customer_id", "event_timestamp"


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
    project, raw = store.project, pd.read_parquet(store.project.path / "data/raw.parquet")
    assert "no features are registered" in store.features("check", rc=1)
    assert "8 features of customer_id" in store.features("apply")
    assert "Redis has no features" in store.features("check", rc=1)
    plant_rows_of_the_future(project, raw)

    labels = raw[[KEY, TIME, "churned"]].sample(frac=1, random_state=0)
    early = labels.head(1).assign(**{TIME: pd.Timestamp("2020-01-01")})
    unknown = labels.head(1).assign(**{KEY: "C-none"})
    pd.concat([labels, early, unknown]).to_parquet(project.path / "data/labels.parquet")
    store.features("join", "data/labels.parquet", "data/joined.parquet")
    joined = pd.read_parquet(project.path / "data/joined.parquet")
    assert joined[KEY].tolist() == [*labels[KEY], early[KEY].iloc[0], "C-none"], "no row is lost, and none is moved"
    expected = labels[[KEY]].merge(raw, on=KEY)
    for name in ("tenure_months", "contract", "satisfaction"):
        pd.testing.assert_series_equal(joined[name].head(len(labels)), expected[name], check_dtype=False)
    assert joined.tail(2)["tenure_months"].isna().all()

    definitions = project.path / "feature_store/definitions.py"
    original = definitions.read_text()
    definitions.write_text(original.replace("raw.drop(columns=KNOWN_LATER)", "raw"))
    assert "churned is a feature, but KNOWN_LATER in modeling/data.py" in store.features("apply", rc=1)
    definitions.write_text(original)
    store.features("apply")
    store.features("materialize")
    assert "Redis: 2000 entities have their newest features" in store.features("check")


def test_server_answers_in_one_way_each_to_what_may_be_wrong(store, redis):
    store.features("apply")
    store.features("materialize")
    keys = pd.read_parquet(store.project.path / "data/raw.parquet")[KEY].head(2).tolist()
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


def plant_rows_of_the_future(project: Project, raw: pd.DataFrame) -> None:
    """Add rows to the source that were known a minute after the label, and would give it away."""
    path = project.path / "data/features.parquet"
    rows = pd.read_parquet(path)
    later = rows[TIME] + pd.Timedelta(minutes=1)
    planted = rows.assign(**{TIME: later, "created": later, "tenure_months": 100.0 * raw["churned"].to_numpy() + 999})
    pd.concat([rows, planted]).to_parquet(path, index=False)
