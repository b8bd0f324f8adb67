"""The lifecycle rules of the bucket."""

import pytest


@pytest.fixture
def project(render):
    return render(maturity_level=1, data_remote="s3")


def test_policy_has_the_rules_of_the_template(project):
    rules = {rule["ID"]: rule for rule in project.json("infrastructure/s3/lifecycle.json")["Rules"]}
    assert all(rule["Status"] == "Enabled" for rule in rules.values())
    assert [(each["Days"], each["StorageClass"]) for each in rules["cool-down"]["Transitions"]] == [
        (90, "INTELLIGENT_TIERING"),
        (365, "GLACIER"),
    ]
    assert rules["delete-temporary"]["Filter"] == {"Prefix": "temp/"}
    assert rules["delete-temporary"]["Expiration"] == {"Days": 7}
    assert rules["abort-unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_only_projects_with_data_on_s3_have_it(render):
    assert not (render(maturity_level=1).path / "infrastructure").exists()
