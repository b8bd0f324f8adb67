"""A project with data of its own, raised from level 1 to 2: the whole loop works on it, and no managed file was changed."""

import sys
from pathlib import Path
from subprocess import run

import pytest
from harness.data_sets import DATA_SETS, PACKAGES
from harness.projects import INSIDE, change
from harness.server import eventually, serving
from harness.template import clean_environment

SOON = {"MONITORING_LABEL_DELAY_HOURS": "0", "MONITORING_HISTORY": "1", "MONITORING_MIN_ROWS": "20"}
SMALL = {"RETRAINING_COMPARISON": '{"margin": 0.05, "confidence": 0.9, "resamples": 500, "min_rows": 20}'}


@pytest.mark.long
@pytest.mark.parametrize("name", ["weather", "tumors", "flights", "ozone"])
def test_loop_works_on_own_data(install, tmp_path: Path, name: str):
    data_set = next(one for one in DATA_SETS if one.name == name)
    project = install(maturity_level=1, **data_set.answers)
    packages = [part for package in PACKAGES for part in ("--with", package)]
    command = ["uv", "run", "--quiet", "--no-project", "--python", sys.executable, *packages, "python"]
    script = [INSIDE / "load_data_sets.py", tmp_path, f"{name}={data_set.load}"]
    run([*command, *script], check=True, cwd=tmp_path, env=clean_environment())
    (project.modeling / "data.py").write_text(data_set.data_py())
    (project.path / "data").mkdir(exist_ok=True)
    (project.path / f"data/{name}.parquet").write_bytes((tmp_path / f"{name}.parquet").read_bytes())
    (project.path / "expectations/raw.yaml").write_text("- expect_table_row_count_to_be_between: { min_value: 50 }\n")
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
