"""Tables of any shape: the same prediction everywhere, or one line that names a column."""

import json

from harness.projects import INSIDE

TABLES = 250


def test_any_table_is_predicted_alike_everywhere_or_refused_by_column(installed):
    project = installed(maturity_level=1)
    script = INSIDE / "tables.py"
    command = ["uv", "run", "--with", "hypothesis", "python", script, "-", project.answers["package_name"], TABLES]
    seen = json.loads(project.run(*command).stdout.splitlines()[-1])
    print(f"\ntables tried: {seen}")
    assert seen["tables"] >= TABLES
    assert min(seen["equal"], seen["onnx"], seen["refused"]) > TABLES / 20
