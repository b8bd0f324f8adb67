"""Requests for platforms: of the answers, consistent with the image and with each other."""

import re

import yaml
from harness.template import Project, options


def request(project: Project, path: str) -> dict:
    return yaml.safe_load(project.text(path))["request"]


def steps(command: str) -> list[str]:
    """Return the steps of a command, from the clone on."""
    found = [step.strip() for step in re.split(r"[;\n]", command) if step.strip()]
    return [step for step in found[1 if found[0].startswith("cd ") else 0 :] if step != "pip install --quiet uv"]


def test_each_answer_is_a_backend_with_a_job(render):
    project = render(maturity_level=3, training_backend="vertex")
    assert yaml.safe_load(project.text("config/training.yaml"))["backend"] == "vertex"
    for answer in options()["training_backend"]:
        assert (project.path / f"src/customer_churn/training/backends/{answer}.py").is_file()
        assert (project.path / f"config/{'' if answer == 'sagemaker' else 'jobs/'}{answer}.yaml").is_file()


def test_image_has_port_routes_and_command_of_the_platforms(render):
    project = render(maturity_level=3)
    model = request(project, "config/endpoints/vertex.yaml")["UploadModel"]["model"]["containerSpec"]
    dockerfile, plugin = project.text("Dockerfile"), project.text("src/customer_churn/serving/plugins/cloud_routes.py")
    assert model["ports"] == [{"containerPort": int(re.findall(r"PORT=(\d+)", dockerfile)[0])}]
    assert model["ports"] == [{"containerPort": 8080}], "the only port of SageMaker"
    assert f'"{model["healthRoute"]}"' in plugin
    assert f'"{model["predictRoute"]}"' in plugin
    assert 'CMD ["serve"]' in dockerfile, "as SageMaker starts it"


def test_jobs_that_clone_run_the_same_command(render):
    project = render(maturity_level=3)
    job = request(project, "config/jobs/kubernetes.yaml")["create"]["spec"]["trainer"]
    pool = request(project, "config/jobs/vertex.yaml")["CreateCustomJob"]["customJob"]["jobSpec"]["workerPoolSpecs"][0]
    (task,) = request(project, "config/jobs/databricks.yaml")["2.2/jobs/runs/submit"]["tasks"]
    texts = [job["args"][0], pool["containerSpec"]["args"][0], task["spark_python_task"]["parameters"][-1]]
    folders = [
        "/training/{name}",
        "/gcs/customer-churn-training/{name}",
        "/Volumes/main/training/customer-churn/{name}",
    ]
    first, *others = [steps(text.replace(folder, "FOLDER")) for text, folder in zip(texts, folders, strict=True)]
    assert others == [first, first]
    assert (project.path / task["spark_python_task"]["python_file"]).is_file()


def test_pod_of_a_job_is_restricted(render):
    project = render(maturity_level=3)
    (patch,) = request(project, "config/jobs/kubernetes.yaml")["create"]["spec"]["runtimePatches"]
    (job,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod = job["template"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}
