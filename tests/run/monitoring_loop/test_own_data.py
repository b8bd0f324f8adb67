"""A project with data of its own, raised from level 1 to 2: the whole loop works on it, and no managed file was changed."""

from pathlib import Path

import pytest
from harness.data_sets import DATA_SETS, SUITE, write_tables
from harness.projects import change
from harness.server import eventually, serving

SOON = {"MONITORING_LABEL_DELAY_HOURS": "0", "MONITORING_HISTORY": "1", "MONITORING_MIN_ROWS": "20"}
SMALL = {"RETRAINING_COMPARISON": '{"margin": 0.05, "confidence": 0.9, "resamples": 500, "min_rows": 20}'}


@pytest.mark.long
@pytest.mark.parametrize("name", ["weather", "tumors", "flights", "ozone"])
def test_loop_works_on_own_data(install, tmp_path: Path, name: str):
    data_set = next(one for one in DATA_SETS if one.name == name)
    project = install(maturity_level=1, **data_set.answers)
    write_tables(tmp_path, data_set)
    data_set.take(project, tmp_path)
    (project.path / "expectations/raw.yaml").write_text(SUITE)
    notes = project.path / "docs/model_card_notes.md"
    notes.write_text(notes.read_text().replace("<!-- example", "<!-- "))  # as if they were of this data
    change(project, "params.yaml", gate={})
    project.poe("pipeline")
    project.commit("Our data")
    project.poe("promote", "--version", "1", "--approved-by", "Ada")
    project.poe("level", "2")
    project.run("uv", "sync", "--quiet")
    project.commit("Level 2")
    project.poe("pipeline", **SMALL)
    project.commit("Model of level 2")
    project.poe("promote", "--version", "2", "--approved-by", "Ada")
    with serving(project) as server:
        eventually("a model", server.ready)
        project.poe("replay", "--server", server.url)
    printed = project.poe("monitor", "--end", "now", **SOON).stdout
    assert "no drift" in printed
    assert project.json("reports/monitoring.json")["performance"]["labeled"] > 0
    project.poe("new-data", "--from-log")
    project.commit("New rows")
    done = project.poe("retrain", "--today", "2100-01-01", **SMALL)
    assert "retrain: yes" in done.stdout
    assert project.json("reports/retrain.json")["candidate"] == "3"
