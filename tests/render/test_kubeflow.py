"""The option for Kubeflow and Argo, without running it."""

import copy

import yaml
from harness.kube import problems

ARGO = "deploy/argo/pipeline.yaml"


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
    volumes = {each["name"] for template in spec["templates"] for each in template.get("volumes", [])}
    claimed = {each["metadata"]["name"] for each in spec["volumeClaimTemplates"]}
    assert {each["name"] for each in container["volumeMounts"]} == volumes | claimed


def test_kubeflow_waits_for_level_2(render):
    low = render(maturity_level=1, orchestrator="kubeflow")
    assert low.files() == render(maturity_level=1).files()
    assert "kfp" not in low.text("pyproject.toml")


def test_project_without_the_option_has_nothing_of_kubeflow(render):
    project = render(maturity_level=2)
    assert [path for path in project.files() if "kubeflow" in path or "argo/" in path] == []
    assert "kfp" not in project.text("pyproject.toml")
