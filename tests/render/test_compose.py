"""The stack for one machine: valid, pinned, closed to the outside, and of one mind with what goes to Kubernetes."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from harness.template import Project, strings


@pytest.fixture
def project(render: Callable[..., Project]) -> Project:
    return render(maturity_level=1)


@pytest.fixture
def stack(project: Project) -> dict[str, Any]:
    return yaml.safe_load(project.text("compose.yaml"))


def check(path: object) -> str:
    """Return what the checker of Compose's own schema says."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_stack_is_strictly_valid(project, tmp_path):
    assert "ok" in check(project.path / "compose.yaml")
    spoilt = tmp_path / "compose.yaml"
    spoilt.write_text(project.text("compose.yaml").replace("read_only:", "readonly:"))
    assert "'readonly' was unexpected" in check(spoilt)


def test_images_are_of_one_version(stack):
    images = [service["image"] for service in stack["services"].values() if "image" in service]
    assert len(images) == 5
    assert all(re.search(r":v?\d+\.\d+[\w.-]*$", image) for image in images), images


def test_password_comes_from_the_environment_alone(project, stack):
    used = {name for text in strings(stack) for name in re.findall(r"\$\{(\w+)", text)}
    assert used == {"STACK_PASSWORD"}
    assert all(f"# {name}=" in project.text(".env.example") for name in used)
    secrets = re.compile(r"PASSWORD|SECRET")
    for service in stack["services"].values():
        for name, value in service.get("environment", {}).items():
            assert not secrets.search(name) or value.startswith("${STACK_PASSWORD:?"), name


def test_nobody_outside_this_machine_reaches_it(stack):
    ports = [port for service in stack["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_server_is_as_restricted_as_in_kubernetes(stack):
    server = stack["services"]["server"]
    assert (server["read_only"], server["cap_drop"], server["tmpfs"]) == (True, ["ALL"], ["/tmp"])


def test_mounted_files_exist(project, stack):
    mounts = [mount for service in stack["services"].values() for mount in service.get("volumes", [])]
    sources = [mount.partition(":")[0] for mount in mounts]
    assert all((project.path / source).is_file() for source in sources if source.startswith("."))
    assert {source for source in sources if not source.startswith(".")} == stack["volumes"].keys()


def test_prometheus_asks_the_server_by_the_name_that_the_rules_use(project, stack):
    (scrape,) = yaml.safe_load(project.text("monitoring/prometheus.yaml"))["scrape_configs"]
    (target,) = scrape["static_configs"]
    host, port = target["targets"][0].split(":")
    assert stack["services"][host]["ports"] == [f"127.0.0.1:{port}:{port}"]
    rules = project.text("monitoring/rules.yaml")
    assert set(re.findall(r'job="([^"]*)"', rules)) == {scrape["job_name"]}
    assert set(re.findall(r'namespace="([^"]*)"', rules)) == {target["labels"]["namespace"]}


def test_prometheus_starts_with_the_rules_that_kubernetes_has(project, stack, tmp_path):
    (script,) = stack["services"]["prometheus"]["command"]
    *preparation, start = script.splitlines()
    assert start.startswith("exec prometheus --config.file=prometheus.yaml")
    text = "\n".join(preparation)
    for mount in stack["services"]["prometheus"]["volumes"][:2]:
        source, destination, _ = mount.split(":")
        text = text.replace(destination, str(project.path / source))
    subprocess.run(["sh", "-euc", text], cwd=tmp_path, check=True)
    declared = yaml.safe_load(project.text("monitoring/rules.yaml"))["spec"]
    (rules,) = yaml.safe_load((tmp_path / "prometheus.yaml").read_text())["rule_files"]
    assert yaml.safe_load((tmp_path / rules).read_text()) == declared


def test_grafana_reads_its_settings(stack):
    found = {name: yaml.safe_load(config["content"]) for name, config in stack["configs"].items()}
    (source,) = found["datasources"]["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = found["dashboards"]["providers"]
    mount = stack["services"]["grafana"]["volumes"][0].split(":")[1]
    assert mount.startswith(provider["options"]["path"])
