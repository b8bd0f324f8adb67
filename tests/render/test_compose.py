"""The stack for one machine: valid, pinned, closed to the outside, and consistent with what runs in Kubernetes."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.json_schema import check
from harness.next_level import NEXT, with_next_level
from harness.template import Project, levels, strings


@pytest.fixture
def level_1(render: Callable[..., Project]) -> Project:
    return render(maturity_level=1)


@pytest.fixture
def stack(level_1: Project) -> dict[str, Any]:
    return yaml.safe_load(level_1.text("compose.yaml"))


@pytest.fixture
def lifted(project: Callable[..., Project]) -> Project:
    return with_next_level(project(maturity_level=1))


def composed(path: Path) -> list[tuple[Path, str]]:
    """Return the services of a Compose file and of what it includes, each with its file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    included = [service for each in content.get("include", []) for service in composed(path.parent / each)]
    return [*((path, name) for name in content.get("services", {})), *included]


def checked(path: Path) -> str:
    """Return what the checker of Compose's own schema prints."""
    return check("vendor.compose-spec", path).output


def test_stack_is_strictly_valid(level_1, tmp_path):
    assert "ok" in checked(level_1.path / "compose.yaml")
    assert "ok" in checked(level_1.path / "deploy/levels/compose.yaml")
    spoilt = tmp_path / "compose.yaml"
    spoilt.write_text(level_1.text("compose.yaml").replace("read_only:", "readonly:"))
    assert "'readonly' was unexpected" in checked(spoilt)


def test_images_are_of_one_version(stack):
    images = [service["image"] for service in stack["services"].values() if "image" in service]
    assert len(images) == 5
    assert all(re.search(r":v?\d+\.\d+[\w.-]*$", image) for image in images), images


def test_password_comes_from_the_environment_alone(level_1, stack):
    used = {name for text in strings(stack) for name in re.findall(r"\$\{(\w+)", text)}
    assert used == {"STACK_PASSWORD"}
    assert all(f"# {name}=" in level_1.text(".env.example") for name in used)
    secrets = re.compile(r"PASSWORD|SECRET")
    for service in stack["services"].values():
        for name, value in service.get("environment", {}).items():
            assert not secrets.search(name) or value.startswith("${STACK_PASSWORD:?"), name


def test_services_listen_on_this_machine_only(stack):
    ports = [port for service in stack["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_server_is_as_restricted_as_in_kubernetes(stack):
    server = stack["services"]["server"]
    assert (server["read_only"], server["cap_drop"], server["tmpfs"]) == (True, ["ALL"], ["/tmp"])


def test_mounted_folders_exist(level_1, stack):
    mounts = [mount for service in stack["services"].values() for mount in service.get("volumes", [])]
    sources = [mount.partition(":")[0] for mount in mounts]
    folders = [source for source in sources if source.startswith(".")]
    assert folders == ["./monitoring", "./monitoring/dashboards"]
    assert all((level_1.path / folder).is_dir() for folder in folders)
    assert {source for source in sources if not source.startswith(".")} == stack["volumes"].keys()


def test_prometheus_scrapes_the_server_by_the_name_that_the_rules_use(level_1, stack):
    (scrape,) = yaml.safe_load(level_1.text("monitoring/prometheus.yaml"))["scrape_configs"]
    assert scrape["file_sd_configs"] == [{"files": ["scrape/*.yaml"]}]
    (target,) = yaml.safe_load(level_1.text("monitoring/scrape/model-server.yaml"))
    host, port = target["targets"][0].split(":")
    assert stack["services"][host]["ports"] == [f"127.0.0.1:{port}:{port}"]
    rules = level_1.text("monitoring/rules/model-server.yaml")
    assert set(re.findall(r'job="([^"]*)"', rules)) == {scrape["job_name"]}
    assert set(re.findall(r'namespace="([^"]*)"', rules)) == {target["labels"]["namespace"]}


def test_prometheus_starts_with_the_rules_that_kubernetes_has(lifted, stack, tmp_path):
    (script,) = stack["services"]["prometheus"]["command"]
    *preparation, start = script.replace("$$", "$").splitlines()
    assert start.startswith("exec prometheus --config.file=prometheus.yaml")
    source, destination, _ = stack["services"]["prometheus"]["volumes"][0].split(":")
    text = "\n".join(preparation).replace(f"{destination}/", f"{lifted.path / source}/")
    text = text.replace(f"cp -R {destination} ", f"cp -R {lifted.path / source} ")
    volume = tmp_path / "prometheus"
    (volume / "monitoring/rules").mkdir(parents=True)
    (volume / "monitoring/rules/deleted.yaml").write_text("left over from the last start")
    subprocess.run(["sh", "-euc", text], cwd=volume, check=True)
    declared = {
        path.name: yaml.safe_load(path.read_text())["spec"] for path in (lifted.path / "monitoring/rules").iterdir()
    }
    assert declared.keys() == {"model-server.yaml", "next.yaml"}
    configuration = yaml.safe_load((volume / "monitoring/prometheus.yaml").read_text())
    found = (volume / "monitoring").glob(*configuration["rule_files"])
    assert {path.name: yaml.safe_load(path.read_text()) for path in found} == declared
    (targets,) = configuration["scrape_configs"][0]["file_sd_configs"][0]["files"]
    assert {path.name for path in (volume / "monitoring").glob(targets)} == declared.keys()


def test_a_level_adds_services_and_leaves_the_override_to_the_team(level_1, lifted):
    assert not list(lifted.path.glob("compose.override.*"))
    found = composed(lifted.path / "compose.yaml")
    added = set(found) - {
        (lifted.path / path.relative_to(level_1.path), name) for path, name in composed(level_1.path / "compose.yaml")
    }
    assert added == {(lifted.path / f"deploy/levels/level-{NEXT}/compose.yaml", "next")}
    names = [name for _, name in found]
    assert len(names) == len(set(names)), "Compose rejects a service that is declared twice"
    for path in {path for path, _ in found}:
        assert "ok" in checked(path)


@pytest.fixture
def compose(docker_compose: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that lets Docker Compose read the files of a project, without an engine."""

    def config(project: Project, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [docker_compose, "config", "--format", "json"]
        environment = {**os.environ, **variables}
        return subprocess.run(command, cwd=project.path, env=environment, capture_output=True, text=True, check=False)

    return config


@pytest.mark.parametrize("level", [level for level in levels() if level])
def test_docker_compose_reads_the_stack_of_each_level(compose, render, level):
    project = render(maturity_level=level)
    read = json.loads(compose(project, STACK_PASSWORD="secret").stdout)
    assert read["services"].keys() == {name for _, name in composed(project.path / "compose.yaml")}
    assert read["services"]["mlflow"]["environment"]["PGPASSWORD"] == "secret"
    refused = compose(project)
    assert refused.returncode == 1
    assert "STACK_PASSWORD is missing a value: write it into .env" in refused.stderr


def test_docker_compose_reads_what_a_level_adds_and_what_the_team_overrides(compose, lifted):
    (lifted.path / "compose.override.yaml").write_text("services: { next: { environment: { OURS: 1 } } }")
    read = json.loads(compose(lifted, STACK_PASSWORD="secret").stdout)
    assert read["services"]["next"]["environment"]["OURS"] == "1"
    assert read["services"].keys() == {name for _, name in composed(lifted.path / "compose.yaml")}


def test_grafana_reads_its_settings(stack):
    found = {name: yaml.safe_load(config["content"]) for name, config in stack["configs"].items()}
    (source,) = found["datasources"]["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = found["dashboards"]["providers"]
    mount = stack["services"]["grafana"]["volumes"][0].split(":")[1]
    assert mount.startswith(provider["options"]["path"])
