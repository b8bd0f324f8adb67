"""The scripts of the benchmarks that run in a project fit its code; with so few runs their figures mean nothing."""

import json

import pytest
from harness.template import ROOT, Project

PEERS = ROOT / "benchmarks" / "peers"
ARGUMENTS = {
    "bandit_cases.py": ["customer_churn", "1", "2"],
    "canary_cases.py": ["2"],
    "experiment_cases.py": ["customer_churn", "2"],
    "feature_cases.py": ["customer_churn", "1"],
    "remediation_cases.py": ["customer_churn"],
}


@pytest.mark.parametrize("script", ARGUMENTS)
def test_script_of_a_benchmark_finds_figures(autonomous: Project, script: str):
    printed = autonomous.run(autonomous.path / ".venv/bin/python", PEERS / script, *ARGUMENTS[script]).stdout
    assert json.loads(printed.splitlines()[-1])
