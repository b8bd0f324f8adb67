"""The image of the server: clean, closed to secrets, and consistent with what runs it."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.kube import Manifest, manifests
from harness.stub import served
from harness.template import Project
from packaging.specifiers import SpecifierSet

PYTHON_OF = {"ubuntu-24.04": "3.12"}
ANSWERS = [
    {"maturity_level": 1},
    {"maturity_level": 1, "project_slug": "2026", "package_name": "on_call", "repository_url": "https://git.x.org/a/b"},
    {"maturity_level": 1, "repository_url": "git@git.x.org:a/b.git"},
]
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL", re.IGNORECASE)


@pytest.fixture
def project(render: Callable[..., Project]) -> Project:
    return render(maturity_level=1)


def instructions(project: Project, name: str) -> list[str]:
    """Return what stands behind each instruction of a name, in one line."""
    joined = project.text("Dockerfile").replace("\\\n", "")
    return [" ".join(rest.split()) for rest in re.findall(rf"^\s*{name} (.*)$", joined, re.MULTILINE)]


def command(project: Project) -> list[str]:
    """Return what the image runs."""
    (declared,) = re.findall(r"^CMD (.*)$", project.text("Dockerfile"), re.MULTILINE)
    return json.loads(declared)


def dockerfile(project: Project) -> str:
    """Return all that runs in the build of the image, in one line."""
    return " ".join(instructions(project, "RUN"))


def container(project: Project) -> Manifest:
    """Return how Kubernetes runs the image."""
    return pod(project)["containers"][0]


def pod(project: Project) -> Manifest:
    (deployment,) = manifests(project.path / "deploy/base/deployment.yaml")
    return deployment["spec"]["template"]["spec"]


def server(project: Project) -> dict[str, Any]:
    """Return how Compose runs the image."""
    return yaml.safe_load(project.text("compose.yaml"))["services"]["server"]


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("hadolint")
    return subprocess.run([program, "--no-color", path], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("answers", ANSWERS, ids=lambda answers: answers.get("project_slug", "default"))
def test_dockerfile_is_clean(render, answers):
    done = hadolint(render(**answers).path / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("good", "bad", "rule"),
    [
        (":3.12-slim-trixie", "", "DL3006"),
        ("WORKDIR /app", "WORKDIR app", "DL3000"),
        ('CMD ["serve"]', "CMD serve", "DL3025"),
        ("USER 10001:10001", "USER root", "DL3002"),
    ],
)
def test_a_dockerfile_that_is_not_clean_is_found(project, tmp_path, good, bad, rule):
    text = project.text("Dockerfile")
    assert good in text
    (tmp_path / "Dockerfile").write_text(text.replace(good, bad))
    done = hadolint(tmp_path / "Dockerfile")
    assert done.returncode == 1
    assert rule in done.stdout


def test_image_kubernetes_and_compose_use_the_same_port(project):
    (port,) = instructions(project, "EXPOSE")
    assert f"PORT={port}" in " ".join(instructions(project, "ENV")).split()
    assert "--port" not in dockerfile(project), "a user of the image may choose another"
    assert [each["containerPort"] for each in container(project)["ports"]] == [int(port)]
    assert server(project)["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_health_check_is_the_liveness_probe(project):
    (health,) = re.findall(r"^HEALTHCHECK.*\\\n *CMD (.*)$", project.text("Dockerfile"), re.MULTILINE)
    path = container(project)["livenessProbe"]["httpGet"]["path"]
    assert f"'{path}'" in json.loads(health)[-1]


def test_health_check_sends_no_request_to_a_proxy(project):
    (health,) = re.findall(r"^HEALTHCHECK.*\\\n *CMD (.*)$", project.text("Dockerfile"), re.MULTILINE)
    with served(Healthy) as address:
        environment = {"PORT": address.rpartition(":")[2], "http_proxy": "http://127.0.0.1:9"}
        subprocess.run([sys.executable, *json.loads(health)[1:]], env=environment, check=True)


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()


def test_user_is_the_one_of_kubernetes(project):
    security = pod(project)["securityContext"]
    assert instructions(project, "USER") == [f"{security['runAsUser']}:{security['runAsGroup']}"]
    (added,) = (run for run in instructions(project, "RUN") if "useradd" in run)
    assert f"--uid {security['runAsUser']} " in added


def test_python_is_one_that_the_project_supports_and_the_one_of_ci(project):
    (python,) = (image for image in instructions(project, "FROM") if "library/python:" in image)
    version = python.partition(":")[2].partition("-")[0]
    supported = tomllib.loads(project.text("pyproject.toml"))["project"]["requires-python"]
    assert SpecifierSet(supported).contains(version)
    machines = {job["runs-on"] for job in yaml.safe_load(project.text(".github/workflows/ci.yml"))["jobs"].values()}
    assert {PYTHON_OF[machine] for machine in machines} == {version}


def test_images_to_build_from_are_of_one_version(project):
    images = [image.partition(" ")[0] for image in instructions(project, "FROM")]
    fetched = [image for image in images if "/" in image]
    assert len(fetched) == 2
    assert all(re.search(r":\d+\.\d+[\w.-]*$", image) for image in fetched), fetched


def test_no_syntax_is_fetched_from_a_registry(project):
    assert "syntax=" not in project.text("Dockerfile")


def test_no_argument_can_leave_a_secret_in_a_layer(project):
    arguments = [each.partition("=")[0] for each in instructions(project, "ARG")]
    assert arguments == ["REVISION", "VERSION"]
    names = [name for each in instructions(project, "ENV") for name in re.findall(r"(\w+)=", each)]
    assert [name for name in names if SECRET.search(name)] == []


def test_what_is_copied_is_admitted_and_nothing_else(project):
    copied = [each.split()[:-1] for each in instructions(project, "COPY") if "--from=" not in each]
    first, *rules = [line for line in project.text(".dockerignore").splitlines() if line and not line.startswith("#")]
    assert first == "*"
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == {
        each for one in copied for each in one
    }


@pytest.mark.parametrize("answers", ANSWERS, ids=lambda answers: answers.get("project_slug", "default"))
def test_image_runs_the_server_of_the_project(render, answers):
    project = render(**answers)
    assert command(project) == ["serve"], "SageMaker runs this command, too"
    (module,) = re.findall(
        r'exec python -m (\S+) --host 0\.0\.0\.0 "\$@"\\n\' > /usr/local/bin/serve', dockerfile(project)
    )
    assert (project.path / "src" / module.replace(".", "/") / "__main__.py").is_file()


def test_compose_builds_it(project):
    assert server(project)["build"] == "."


@pytest.mark.parametrize("answers", ANSWERS, ids=lambda answers: answers.get("project_slug", "default"))
def test_it_is_built_under_the_name_that_is_deployed(render, answers):
    project = render(**answers)
    tasks = tomllib.loads(project.text("tasks/level-1.toml"))["tool"]["poe"]["groups"]["level-1"]["tasks"]
    (name,) = re.findall(r"docker build --tag (\S+)", tasks["build"]["cmd"])
    for environment in ("staging", "production"):
        (component,) = manifests(project.path / f"deploy/overlays/{environment}/image/kustomization.yaml")
        (image,) = component["images"]
        assert name == f"{image['newName']}:{image['newTag']}"


def test_build_gets_the_values_of_all_labels(project):
    task = tomllib.loads(project.text("tasks/level-1.toml"))["tool"]["poe"]["groups"]["level-1"]["tasks"]["build"]
    arguments = re.findall(r"--build-arg (\w+)=\$\{(\w+)\}", task["cmd"])
    assert [argument for argument, _ in arguments] == [each.partition("=")[0] for each in instructions(project, "ARG")]
    assert {variable for _, variable in arguments} == task["uses"].keys()
    (labels,) = instructions(project, "LABEL")
    assert set(re.findall(r"\$(\w+)", labels)) == {argument for argument, _ in arguments}
    assert f'image.source="{project.answers["repository_url"]}"' in labels
