# Managed by copier-mlops: an update merges with your edits.
"""Amazon SageMaker: the training job of `poe sagemaker`, and an endpoint."""

from typing import Any

import boto3
from botocore import xform_name

from ...core.errors import UserError
from ..sagemaker import PATH, problems, read_request, submit
from . import Plan, Rent, Request


def check(operation: str, content: dict[str, Any]) -> None:
    """Raise what Amazon's description of the operation rejects."""
    if found := problems(content, operation):
        raise ValueError("; ".join(found))


def job(name: str) -> Plan:
    """Return the request of `poe sagemaker` and what it rents, or raise a `UserError` if SageMaker would reject it."""
    request = read_request(name)
    image, machines = request["AlgorithmSpecification"]["TrainingImage"], request["ResourceConfig"]
    if ".dkr.ecr." not in image:
        raise UserError(f"{PATH}: TrainingImage: {image} is not ACCOUNT.dkr.ecr.REGION.amazonaws.com/…")
    rent = Rent(
        region=image.split(".")[3],  # SageMaker runs an image in its own region
        machine=machines["InstanceType"],
        count=machines["InstanceCount"],
        spot=request.get("EnableManagedSpotTraining", False),
        seconds=request["StoppingCondition"]["MaxRuntimeInSeconds"],
    )
    return Plan(rent=rent, request={"CreateTrainingJob": request})


def send(request: Request) -> str:
    """Upload the rows and start a job, or create an endpoint."""
    if job := request.get("CreateTrainingJob"):
        return submit(job)
    client = boto3.client("sagemaker")
    for operation, content in request.items():
        getattr(client, xform_name(operation))(**content)
    return request["CreateEndpoint"]["EndpointName"]
