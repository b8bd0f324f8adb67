"""`poe lifecycle` with a server of S3."""

import json
from collections.abc import Iterator

import boto3
import pytest
from harness.projects import DEFAULT
from harness.storage import Storage, amazon
from harness.template import Project

POLICY = "infrastructure/s3/lifecycle.json"
UNREACHABLE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
WITHOUT_KEYS = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none"}


@pytest.fixture(scope="module")
def server() -> Iterator[Storage]:
    with amazon("data", "new") as storage:
        yield storage


@pytest.fixture
def project(installed) -> Project:
    return installed(**DEFAULT, data_remote="s3")


def failed(project: Project, bucket: str, variables: dict[str, str]) -> str:
    """Return the one line with which the task fails."""
    done = project.run("uv", "run", "poe", "-q", "lifecycle", "--bucket", bucket, rc=1, **variables)
    (line,) = done.stderr.splitlines()
    return line


def test_bucket_has_the_rules_afterwards_and_keeps_others(project, server):
    names = {"AWS_ACCESS_KEY_ID": "aws_access_key_id", "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key"}
    names |= {"AWS_DEFAULT_REGION": "region_name", "AWS_ENDPOINT_URL": "endpoint_url"}
    s3 = boto3.client("s3", **{names[name]: value for name, value in server.variables.items()})
    own = {"ID": "mine", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}
    s3.put_bucket_lifecycle_configuration(Bucket="data", LifecycleConfiguration={"Rules": [own]})
    arguments = ("lifecycle", "--bucket", "data")
    assert "data has the rules now" in project.poe(*arguments, **server.variables).stdout
    found = s3.get_bucket_lifecycle_configuration(Bucket="data")["Rules"]
    assert found == [own, *project.json(POLICY)["Rules"]]
    assert "data had the rules already" in project.poe(*arguments, **server.variables).stdout


def test_bucket_out_of_reach_is_one_line(project, server):
    for variables, reason in (
        (server.variables, "The specified bucket does not exist"),
        (WITHOUT_KEYS, "Unable to locate credentials"),
        ({**server.variables, **UNREACHABLE}, "Could not connect"),
    ):
        line = failed(project, "missing", variables)
        assert line.startswith("lifecycle: bucket missing: ")
        assert reason in line


def test_policy_with_a_misspelt_key_is_one_line(project, server):
    policy = project.json(POLICY)
    policy["Rules"][0]["Transitions"][0] = {"Days": 5, "StorageClas": "STANDARD_IA"}
    (project.path / POLICY).write_text(json.dumps(policy))
    line = failed(project, "new", server.variables)
    assert "LifecycleConfiguration.Rules[0].Transitions[0]" in line
    assert "StorageClas" in line
