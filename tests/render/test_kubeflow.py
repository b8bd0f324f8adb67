"""The option for Kubeflow and Argo, without running it."""

import copy

import yaml
from harness.kube import manifests, problems

ARGO = "deploy/argo/pipeline.yaml"


def test_all_other_manifests_for_argo_are_what_kubernetes_takes(render):
    project = render(maturity_level=2, orchestrator="kubeflow")
    found = [each for name in ("setup", "results") for each in manifests(project.path / f"deploy/argo/{name}.yaml")]
    assert [problems(each) for each in found] == [[]] * 6
    pipeline = yaml.safe_load(project.text(ARGO))
    (selected,) = (each["spec"]["podSelector"]["matchLabels"] for each in found if each["kind"] == "NetworkPolicy")
    assert selected == pipeline["spec"]["workflowSpec"]["podMetadata"]["labels"]
    assert {each["metadata"]["namespace"] for each in found} == {pipeline["metadata"]["namespace"]}
    image = next(
        each["container"]["image"] for each in pipeline["spec"]["workflowSpec"]["templates"] if "container" in each
    )
    assert found[-1]["spec"]["containers"][0]["image"] == image


def test_cronworkflow_is_one_that_argo_takes(render):
    manifest = yaml.safe_load(render(maturity_level=2, orchestrator="kubeflow").text(ARGO))
    assert problems(manifest) == []
    spoilt = copy.deepcopy(manifest)
    spoilt["spec"]["workflowSpec"]["entrypoints"] = "stages"
    assert problems(spoilt)


def test_steps_of_argo_run_as_an_unprivileged_user(render):
    spec = yaml.safe_load(render(maturity_level=2, orchestrator="kubeflow").text(ARGO))["spec"]["workflowSpec"]
    assert spec["securityContext"]["runAsNonRoot"]
    (container,) = (each["container"] for each in spec["templates"] if "container" in each)
    assert container["securityContext"]["readOnlyRootFilesystem"]
    volumes = [each["name"] for where in (spec, *spec["templates"]) for each in where.get("volumes", [])]
    assert sorted(each["name"] for each in container["volumeMounts"]) == sorted(volumes)


def test_kubeflow_waits_for_level_2(render):
    low = render(maturity_level=1, orchestrator="kubeflow")
    assert low.files() == render(maturity_level=1).files()
    assert "kfp" not in low.text("pyproject.toml")


def test_project_without_the_option_has_nothing_of_kubeflow(render):
    project = render(maturity_level=2)
    assert [path for path in project.files() if "kubeflow" in path or "argo/" in path] == []
    assert "kfp" not in project.text("pyproject.toml")
