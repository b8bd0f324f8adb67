# Managed by copier-mlops: an update merges with your edits.
"""Trains on a spot machine of Amazon SageMaker: `poe sagemaker` checks and prints the request, `--submit` sends it.

The job runs the stage `train` with checkpoints in S3, so that it resumes on the next machine if its own is reclaimed.
"""

import argparse
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import PositiveInt

from ..core.errors import UserError, exit_on_user_error
from ..core.io import require
from ..core.lineage import PACKAGE, git
from ..core.paths import METRICS, MODEL, TEST, TRAIN
from ..core.settings import Settings
from ..registry.client import Tracking

INPUT, OUTPUT, CHECKPOINTS = "/opt/ml/input/data/rows", "/opt/ml/model", "/opt/ml/checkpoints"  # SageMaker's folders


class SageMaker(Settings, env_prefix="SAGEMAKER_"):
    """The schema of `config/sagemaker.yaml`."""

    region: str
    role: str
    image: str
    bucket: str
    instance: str
    volume_gigabytes: PositiveInt
    spot: bool
    max_run_seconds: PositiveInt
    max_wait_seconds: PositiveInt
    attempts: PositiveInt
    tags: dict[str, str]


def command(rows: str = INPUT, output: str = OUTPUT) -> str:
    """Return the job's shell command: it links the project's folders to SageMaker's, and trains.

    `exec` makes training the process that receives SIGTERM when the machine is reclaimed.
    """
    links = [(rows, TRAIN.parent), (output, MODEL.parent), (output, METRICS.parent)]
    linked = "; ".join(f"rm -rf {name.as_posix()}; ln -s {place} {name.as_posix()}" for place, name in links)
    return f"{linked}; exec python -m {PACKAGE} train evaluate"


def request(settings: SageMaker, name: str) -> dict[str, Any]:
    """Return the request for a training job."""
    place = f"s3://{settings.bucket}/{name}"
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{place}/rows", "S3DataDistributionType": "FullyReplicated"}
    limits = {"MaxRuntimeInSeconds": settings.max_run_seconds}
    return {
        "TrainingJobName": name,
        "RoleArn": settings.role,
        "AlgorithmSpecification": {
            "TrainingImage": settings.image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["sh", "-c"],
            "ContainerArguments": [command()],
        },
        "InputDataConfig": [{"ChannelName": "rows", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": f"{place}/output"},
        "ResourceConfig": {
            "InstanceType": settings.instance,
            "InstanceCount": 1,
            "VolumeSizeInGB": settings.volume_gigabytes,
        },
        "EnableManagedSpotTraining": settings.spot,
        "StoppingCondition": limits | ({"MaxWaitTimeInSeconds": settings.max_wait_seconds} if settings.spot else {}),
        "CheckpointConfig": {"S3Uri": f"{place}/checkpoints", "LocalPath": CHECKPOINTS},
        "RetryStrategy": {"MaximumRetryAttempts": settings.attempts},
        "Environment": {"CHECKPOINTS_FOLDER": CHECKPOINTS, "REVISION": git("rev-parse", "HEAD") or "unknown"},
        "Tags": [{"Key": key, "Value": value} for key, value in settings.tags.items()],
    }


def problems(request: dict[str, Any]) -> list[str]:
    """Return a line for each value that SageMaker would reject, by its own description, which boto3 contains.

    boto3 itself checks types and names of keys, but neither lists of values nor patterns.
    """
    import botocore.session
    from botocore.validate import ParamValidator

    service = botocore.session.get_session().get_service_model("sagemaker")
    shape: Any = service.operation_model("CreateTrainingJob").input_shape
    found = ParamValidator().validate(request, shape)
    lines = [found.generate_report()] if found.has_errors() else [*_strictly(request, shape, "")]
    limits = request["StoppingCondition"]
    if limits.get("MaxWaitTimeInSeconds", limits["MaxRuntimeInSeconds"]) < limits["MaxRuntimeInSeconds"]:
        lines.append("max_wait_seconds is below max_run_seconds")
    return lines


def _strictly(value: Any, shape: Any, place: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for key, each in value.items():
            yield from _strictly(each, shape.members[key], f"{place}.{key}".lstrip("."))
    elif shape.type_name == "list":
        for number, each in enumerate(value):
            yield from _strictly(each, shape.member, f"{place}.{number}")
    elif shape.type_name == "map":
        for key, each in value.items():
            yield from _strictly(each, shape.value, f"{place}.{key}")
    elif shape.type_name == "string":
        pattern, longest = shape.metadata.get("pattern", ""), shape.metadata.get("max", len(value))
        if shape.enum and value not in shape.enum:
            yield f"{place}: {value} is none of the {len(shape.enum)} values that there are"
        elif pattern and r"\p{" not in pattern and not re.fullmatch(pattern, value):  # Java's classes are not Python's
            yield f"{place}: {value} does not match {pattern}"
        elif len(value) > longest:
            yield f"{place}: longer than {longest} characters"


def submit(settings: SageMaker, checked: dict[str, Any]) -> str:
    """Upload the rows, create the job and return its address.

    Raises:
        UserError: AWS refuses, or cannot be reached.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    prefix = checked["TrainingJobName"]
    try:
        session = boto3.Session(region_name=settings.region)
        for path in (TRAIN, TEST):
            session.client("s3").upload_file(str(path), settings.bucket, f"{prefix}/rows/{path.name}")
        return session.client("sagemaker").create_training_job(**checked)["TrainingJobArn"]
    except (BotoCoreError, ClientError, boto3.exceptions.Boto3Error) as error:
        raise UserError(f"{settings.path()}: AWS: {' '.join(str(error).split())[:300]}") from error


def main() -> None:
    """Check the request; print or send it."""
    parser = argparse.ArgumentParser(prog="poe sagemaker", description=__doc__)
    parser.add_argument("--submit", action="store_true", help="upload the training rows and start the job")
    with exit_on_user_error("sagemaker"):
        arguments, settings = parser.parse_args(), SageMaker.load()
        name = f"{Tracking.load().model[:40]}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        made = request(settings, name)
        if found := problems(made):
            raise UserError(f"{settings.path()}: {'; '.join(found)}")
        if not arguments.submit:
            print(json.dumps(made, indent=2))
            return
        for path in (TRAIN, TEST):
            require(path)
        print(f"{submit(settings, made)}: its model will be below s3://{settings.bucket}/{name}/output")


if __name__ == "__main__":
    main()
