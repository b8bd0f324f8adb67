"""The lifecycle of the bucket is data, which Terraform reads as the project's own task does."""

from collections.abc import Iterator
from typing import Any

import hcl2
import pytest


@pytest.fixture
def project(render):
    return render(maturity_level=1, data_remote="s3")


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_policy_is_the_one_that_was_asked_for(project):
    rules = {rule["ID"]: rule for rule in project.json("infrastructure/s3/lifecycle.json")["Rules"]}
    assert all(rule["Status"] == "Enabled" for rule in rules.values())
    assert [(each["Days"], each["StorageClass"]) for each in rules["cool-down"]["Transitions"]] == [
        (90, "INTELLIGENT_TIERING"),
        (365, "GLACIER"),
    ]
    assert rules["delete-temporary"]["Filter"] == {"Prefix": "temp/"}
    assert rules["delete-temporary"]["Expiration"] == {"Days": 7}
    assert rules["abort-unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_terraform_reads_every_key_of_the_policy(project):
    text = project.text("infrastructure/s3/main.tf")
    assert hcl2.loads(text)["resource"]
    assert 'jsondecode(file("${path.module}/lifecycle.json")).Rules' in text
    for key in keys(project.json("infrastructure/s3/lifecycle.json")["Rules"]):
        assert f".{key}" in text


def test_only_projects_with_data_on_s3_have_it(render):
    assert not (render(maturity_level=1).path / "infrastructure").exists()
