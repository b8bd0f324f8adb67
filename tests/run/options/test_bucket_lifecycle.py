"""`poe lifecycle` against a server that speaks the protocol of S3."""

import json
from collections.abc import Iterator

import boto3
import pytest
from harness.projects import DEFAULT
from harness.template import Project
from moto.server import ThreadedMotoServer

POLICY = "infrastructure/s3/lifecycle.json"
KEYS = {"AWS_ACCESS_KEY_ID": "ada", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def project(installed) -> Project:
    return installed(**DEFAULT, data_remote="s3")


def client(server: str):
    return boto3.client(
        "s3", endpoint_url=server, aws_access_key_id="ada", aws_secret_access_key="secret", region_name="us-east-1"
    )


def test_bucket_has_the_rules_afterwards_and_keeps_others(project, server):
    s3 = client(server)
    s3.create_bucket(Bucket="data")
    own = {"ID": "mine", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}
    s3.put_bucket_lifecycle_configuration(Bucket="data", LifecycleConfiguration={"Rules": [own]})
    arguments = ("lifecycle", "--bucket", "data")
    assert "data has the rules now" in project.poe(*arguments, AWS_ENDPOINT_URL_S3=server, **KEYS).stdout
    found = s3.get_bucket_lifecycle_configuration(Bucket="data")["Rules"]
    assert found == [own, *project.json(POLICY)["Rules"]]
    assert "data had the rules already" in project.poe(*arguments, AWS_ENDPOINT_URL_S3=server, **KEYS).stdout


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        (KEYS, "The specified bucket does not exist"),
        ({"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "none"}, "Unable to locate credentials"),
        ({**KEYS, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}, "Could not connect"),
    ],
)
def test_bucket_out_of_reach_is_one_line(project, server, variables, reason):
    variables = {"AWS_ENDPOINT_URL_S3": server, "AWS_SHARED_CREDENTIALS_FILE": "none", **variables}
    done = project.run("uv", "run", "poe", "-q", "lifecycle", "--bucket", "missing", rc=1, **variables)
    (line,) = done.stderr.splitlines()
    assert line.startswith("lifecycle: bucket missing: ")
    assert reason in line


def test_policy_with_a_misspelt_key_is_one_line(project, server):
    client(server).create_bucket(Bucket="new")
    before = project.text(POLICY)
    policy = json.loads(before)
    policy["Rules"][0]["Transitions"][0] = {"Days": 5, "StorageClas": "STANDARD_IA"}
    try:
        (project.path / POLICY).write_text(json.dumps(policy))
        done = project.run(
            "uv", "run", "poe", "-q", "lifecycle", "--bucket", "new", rc=1, AWS_ENDPOINT_URL_S3=server, **KEYS
        )
    finally:
        (project.path / POLICY).write_text(before)
    (line,) = done.stderr.splitlines()
    assert "LifecycleConfiguration.Rules[0].Transitions[0]" in line
    assert "StorageClas" in line
