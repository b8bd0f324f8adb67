"""Features of events in a project: those that help beat the champion and are served, noise is refused."""

import json

from harness.pages import window
from harness.projects import inside, registry
from harness.server import eventually, serving
from harness.template import Project
from playwright.sync_api import Browser

EVENTS = """
import json, pandas
row = pandas.read_parquet("data/test.parquet").iloc[0]
events = pandas.read_parquet("data/events.parquet")
own = events[events["customer_id"] == row["customer_id"]].drop(columns="customer_id")
own = [{**one, "time": one["time"].isoformat()} for one in own.to_dict("records")]
print(json.dumps({"event_timestamp": row["event_timestamp"].isoformat(), "events": own}))
"""
OF_OTHERS = """
import numpy, pandas
table = pandas.read_parquet("data/events.parquet")
known = table["customer_id"].unique()
others = dict(zip(known, numpy.random.default_rng(0).permutation(known)))
table.assign(customer_id=table["customer_id"].map(others)).to_parquet("data/events.parquet")
"""


def test_features_that_help_beat_the_champion_and_are_served(autonomous: Project, browser: Browser):
    autonomous.fork(module=f"{autonomous.answers['package_name']}.modeling.events", arguments=[])
    printed = autonomous.process("find-features").stdout
    chosen = json.loads((autonomous.modeling / "window_features.json").read_text(encoding="utf-8"))
    assert f"{len(chosen['windows'])} of 28 candidates kept: log loss -" in printed
    with window(browser, 390) as shown:
        shown.load(autonomous.path / "reports/features.html")
        assert (shown.fits(), shown.page.locator("td.good").count()) == (True, len(chosen["windows"]))

    autonomous.stages("ingest", "split", "train", "evaluate", "register")
    assert autonomous.json("reports/comparison.json")["verdict"] == "better"
    assert registry(autonomous).challenger == "2"
    row = inside(autonomous, "predictions.py", autonomous.answers["package_name"])["rows"][0]
    happened = json.loads(autonomous.python(EVENTS))
    names = [line.strip() for line in printed.splitlines() if line.startswith("  ")]
    sent = {name: value for name, value in row.items() if name not in names} | happened
    later = {**happened["events"][0], "time": "2090-01-01T00:00:00Z", "amount": 1e6}
    with serving(autonomous, SERVING_ALIASES="challenger") as server:
        eventually("the model", server.ready)
        expected = server.ask("/predict", {"rows": [row]})
        assert expected.status == 200
        for events in (happened["events"], [*happened["events"], later]):
            assert server.ask("/events/predict", {"rows": [sent | {"events": events}]}).json == expected.json
        assert server.ask("/events/predict", {"rows": [sent | {"events": []}]}).json != expected.json
        assert server.ask("/events/predict", {"rows": [row]}).status == 422

    autonomous.python(OF_OTHERS)
    assert "none of 28 candidates kept" in autonomous.poe("find-features").stdout
    assert not (autonomous.modeling / "window_features.json").exists()
