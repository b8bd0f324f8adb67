"""The job for KubeRay: strictly valid, and as restricted as all else that the project runs in a cluster."""

import copy

import yaml
from harness.kube import problems

JOB = "deploy/ray/search.yaml"


def test_job_is_one_that_kuberay_takes(render):
    job = yaml.safe_load(render(maturity_level=2, distributed_training="ray").text(JOB))
    assert problems(job) == []
    spoilt = copy.deepcopy(job)
    spoilt["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["replica"] = 1
    assert problems(spoilt)


def test_job_runs_the_search_as_an_unprivileged_user_of_the_projects_environment(render):
    project = render(maturity_level=2, distributed_training="ray")
    spec = yaml.safe_load(project.text(JOB))["spec"]
    assert f"{project.answers['package_name']}.training.search --engine ray" in spec["entrypoint"]
    cluster = spec["rayClusterSpec"]
    for pod in (cluster["headGroupSpec"]["template"]["spec"], cluster["workerGroupSpecs"][0]["template"]["spec"]):
        assert pod["securityContext"]["runAsNonRoot"]
        for container in [*pod["initContainers"], *pod["containers"]]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert {"name": "work", "mountPath": "/work"} in container["volumeMounts"]


def test_project_without_the_option_has_nothing_of_ray(render):
    project = render(maturity_level=2)
    assert [path for path in project.files() if "ray" in path.split("/")[-1].split(".")[0].split("_")] == []
    assert "ray" not in project.text("pyproject.toml")
