"""The tutorial of the site, typed into a shell from its first line to its last."""

import re

from harness.projects import bash_blocks, is_better_than_baseline, registry, stages_run
from harness.template import ROOT, Project

PAGE = (ROOT / "docs/tutorial/levels.md").read_text(encoding="utf-8")
_, LEVEL_0, LEVEL_1, LEVEL_2, LEVEL_3, NEXT = map(bash_blocks, re.split(r"^## ", PAGE, flags=re.MULTILINE))
CHURN = {"problem_type": "classification", "project_slug": "customer-churn", "package_name": "customer_churn"}


def test_every_block_works_and_shows_what_the_page_names(type_in, tmp_path):
    start, *blocks = LEVEL_0
    type_in(start, tmp_path)
    project = Project(tmp_path / "my-project", CHURN)
    trained, *_ = [type_in(block, project.path) for block in blocks]
    assert "baseline_accuracy" in trained

    lifted, first, second, promoted = [type_in(block, project.path) for block in LEVEL_1]
    assert "dvc.yaml" in lifted
    assert "Questions about this model" in project.text("README.md")
    assert stages_run(first) == ["ingest", "prepare", "train", "register"]
    assert stages_run(second) == []
    assert "promotion done" in promoted
    assert is_better_than_baseline(project)

    _, drilled = [type_in(block, project.path) for block in LEVEL_2]
    assert "drill bad-batch: recovered" in drilled
    assert registry(project).champion == "1"

    *lift, comply, overview, maturity = LEVEL_3
    for block in lift:
        type_in(block, project.path)
    evidence = type_in(f"! {comply}", project.path)  # it exits with 1
    assert "open, 0 accepted; reports/compliance.html" in evidence
    assert "model-signature" not in evidence
    assert "reports/overview.html" in type_in(overview, project.path)
    assert "level 3 Autonomous, 42 of 42 wired" in type_in(maturity, project.path)
    assert NEXT == []
