"""A cloud is lost while requests flow, and none of them is lost; clouds are reached by TLS under their own names."""

import json
import re
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml
from harness.projects import nobody_listens
from harness.server import background, eventually
from harness.stub import served
from harness.template import Project

ENVOY = "deploy/fail-over/envoy.yaml"
# How long a loaded machine takes is not tested, neither to recover nor for a try.
PATIENT = {"FAIL_OVER_RECOVERY_SECONDS": "300"}
PATIENT_TRIES = {"timeout: 10s": "timeout: 50s", "per_try_timeout: 2s": "per_try_timeout: 12s"}


@pytest.mark.parametrize("retries", [True, pytest.param(False, marks=pytest.mark.long)])
def test_lost_cloud_loses_no_request_but_for_a_router_that_does_not_retry(autonomous: Project, retries):
    path, changes = autonomous.path / ENVOY, PATIENT_TRIES | ({} if retries else {"num_retries: 2": "num_retries: 0"})
    for before, after in changes.items():
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))
    printed = autonomous.process("drill", "cloud-lost", rc=int(not retries), **PATIENT).stdout
    evidence = autonomous.json("reports/drills/cloud-lost.json")
    assert evidence["recovered"] is retries
    assert evidence["requests"] > 0
    assert (evidence["requests_failed"] == 0) is retries
    assert evidence["recovered_after_seconds"] > evidence["detected_after_seconds"] > 0
    assert f"{evidence['requests_failed']} of {evidence['requests']} requests lost in " in printed
    assert re.search(r"and back \d+\.\d s after", evidence["action"])


@pytest.fixture
def envoy(autonomous: Project) -> str:
    """Return the path of the Envoy that uv has fetched for the project."""
    return autonomous.python("from customer_churn.delivery.envoy import _program; print(_program())")


def test_envoy_takes_the_configuration_and_a_host_of_no_cluster_is_found(autonomous: Project, envoy: str):
    validate = [envoy, "--mode", "validate", "--config-path", ENVOY]
    assert "OK" in autonomous.run(*validate).stdout
    path = autonomous.path / ENVOY
    path.write_text(path.read_text().replace("num_retries", "number_of_retries"))
    assert "number_of_retries" in autonomous.run(*validate, rc=1).stderr
    assert "aws: aws eu-central-1, https://customer-churn.aws.example.com" in autonomous.process("clouds").stdout
    path.write_text(path.read_text().replace("churn.aws", "churn.awz"))
    refused = autonomous.poe("clouds", rc=1).stderr
    assert f"clouds: {ENVOY}: customer-churn.awz.example.com is the host of no cluster in deploy/clusters" in refused


@contextmanager
def cloud(name: str, folder: Path, seen: list[tuple[str | None, str]]) -> Iterator[int]:
    """Serve by TLS with a certificate for a name, note SNI and header `Host` of each request, and yield the port."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout", key]
    subprocess.run(
        [*made, "-out", certificate, "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True
    )
    names: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((names[-1], self.headers["Host"]))
            self.send_response(200)
            self.end_headers()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = lambda socket, name, context: names.append(name)
    with served(Handler, context) as address:
        yield int(address.rpartition(":")[2])


def test_clouds_are_reached_by_tls_and_one_with_the_certificate_of_another_name_is_not(
    autonomous: Project, envoy: str, tmp_path: Path, tool
):
    tool("openssl")
    config, front, admin = yaml.safe_load(autonomous.text(ENVOY)), nobody_listens(), nobody_listens()
    wrong: list[tuple[str | None, str]] = []
    right: list[tuple[str | None, str]] = []
    with cloud("another", tmp_path, wrong) as first, cloud("localhost", tmp_path, right) as second:
        (router,), (listener,) = config["static_resources"]["clusters"], config["static_resources"]["listeners"]
        router["dns_lookup_family"] = "V4_ONLY"
        trusted = tmp_path / "trusted"
        trusted.write_text("".join((tmp_path / f"{name}.crt").read_text() for name in ("another", "localhost")))
        tls = router["transport_socket"]["typed_config"]["common_tls_context"]
        tls["validation_context"]["trusted_ca"]["filename"] = str(trusted)
        for group, port in zip(router["load_assignment"]["endpoints"], (first, second), strict=True):
            endpoint = group["lb_endpoints"][0]["endpoint"]
            endpoint["address"]["socket_address"] = {"address": "localhost", "port_value": port}
            endpoint["health_check_config"]["hostname"] = "localhost"
        for one, address in ((listener, front), (config["admin"], admin)):
            one["address"]["socket_address"]["port_value"] = int(address.rpartition(":")[2])
        (tmp_path / "envoy.json").write_text(json.dumps(config))
        command = [envoy, "--config-path", tmp_path / "envoy.json", "--concurrency", "1", "--disable-hot-restart"]
        with background(command, tmp_path / "log"):
            eventually("health checks", lambda: "failed_active_hc" in clusters(admin) and right)
            with urllib.request.urlopen(f"{front}/v2/health/live", timeout=30) as response:
                assert response.status == 200
    assert {*right} == {("localhost", "localhost")}, "health checks and requests, by SNI and by header"
    assert wrong == [], "no request follows a certificate of another name"


def clusters(admin: str) -> str:
    """Return what the runbook looks at."""
    try:
        with urllib.request.urlopen(f"{admin}/clusters", timeout=10) as response:
            return response.read().decode()
    except OSError:
        return ""
