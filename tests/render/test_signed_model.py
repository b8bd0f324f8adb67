"""The option of signed models: what Kustomize makes of it, and that the workflow signs as whom servers expect."""

import pytest
import yaml
from harness.kube import built, only, problems
from harness.template import Project
from harness.workflows import read

OCI = {"maturity_level": 2, "model_source": "oci"}


@pytest.mark.parametrize("platform", ["rollouts", "kserve"])
def test_pods_of_all_environments_have_the_programs_and_where_to_find_them(render, tool, platform):
    project = render(**OCI, serving_platform=platform)
    for environment in ("staging", "production"):
        manifests = built(project, f"deploy/overlays/{environment}", tool)
        assert {each["kind"]: problems(each) for each in manifests if problems(each)} == {}
        production = {"rollouts": "Rollout", "kserve": "InferenceService"}[platform]
        spec = only("Deployment" if environment == "staging" else production, manifests)["spec"]
        pod = spec["predictor"] if "predictor" in spec else spec["template"]["spec"]
        assert [each["name"] for each in pod["initContainers"]] == ["cosign", "oras"]
        assert {"programs", "registry"} <= {volume["name"] for volume in pod["volumes"]}
        (server,) = pod["containers"]
        mounted = {mount["mountPath"]: mount["readOnly"] for mount in server["volumeMounts"] if "readOnly" in mount}
        (settings,) = (
            each["data"] for each in manifests if each["kind"] == "ConfigMap" and "SERVING_ALIASES" in each["data"]
        )
        assert mounted == {settings["ARTIFACT_PROGRAMS"]: True, settings["DOCKER_CONFIG"]: True}
        for each in pod["initContainers"]:
            assert each["securityContext"].items() >= server["securityContext"].items()
            assert each["securityContext"]["runAsNonRoot"]
            assert each["command"][-1].rstrip("/") == settings["ARTIFACT_PROGRAMS"]


def test_workflow_signs_as_whom_servers_expect_where_its_job_may_push(render):
    project = render(**OCI, repository_url="https://github.com/Ada/Churn")
    path = ".github/workflows/sign-model.yml"
    expected = yaml.safe_load(project.text("config/artifact.yaml"))
    assert expected["identity"] == f"https://github.com/Ada/Churn/{path}@refs/heads/main"
    assert expected["repository"].startswith("ghcr.io/ada/churn/")
    workflow = read(project.path / path)
    assert workflow["on"]["push"]["branches"] == ["main"]
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read", "packages": "write", "id-token": "write"}


def test_project_without_the_option_has_nothing_of_it(render):
    without: Project = render(maturity_level=2)
    only_with = set(render(**OCI).files()) - set(without.files())
    assert {path for path in only_with if "artifact" in path or "sign" in path or "0025" in path} == only_with
    for path in without.files():
        if not path.startswith(("src/", "tests/", ".copier-answers")) and (without.path / path).suffix != ".png":
            assert not {"cosign", "artifact.yaml"} & set(without.text(path).split()), path
    assert "level-2/artifact" not in without.text("deploy/levels/kustomization.yaml")


@pytest.mark.parametrize(("source", "required"), [("registry", True), ("oci", False)])
def test_level_3_signs_files_unless_cosign_signs_artifacts(render, source, required):
    project = render(maturity_level=3, model_source=source)
    assert yaml.safe_load(project.text("config/signing.yaml"))["required"] is required
