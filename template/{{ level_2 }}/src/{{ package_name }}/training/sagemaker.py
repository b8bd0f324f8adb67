# Managed by copier-mlops: an update merges with your edits.
"""Trains on a spot machine of Amazon SageMaker: `poe sagemaker` checks and prints the request, `--submit` sends it.

The job runs the stage `train` with checkpoints in S3, so that it resumes on the next machine if its own is reclaimed.
"""

import argparse
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from botocore.validate import ParamValidator
from pydantic import RootModel

from ..core.config import load
from ..core.errors import UserError, exit_on_user_error
from ..core.io import require
from ..core.lineage import git
from ..core.paths import TEST, TRAIN

PATH = Path("config/sagemaker.yaml")


def read_request(name: str) -> dict[str, Any]:
    """Return the request in `config/sagemaker.yaml` for a job of this name, with the commit that it trains.

    Raises:
        UserError: the file is missing or no YAML, or SageMaker would not accept the request.
    """
    text = json.dumps(load(PATH, RootModel[dict[str, Any]]).root)
    request = json.loads(text.replace("{name}", name))
    if found := problems(request):
        raise UserError(f"{PATH}: {'; '.join(found)}")
    request["Environment"] = {**request.get("Environment", {}), "REVISION": git("rev-parse", "HEAD") or "unknown"}
    return request


def problems(request: dict[str, Any], operation: str = "CreateTrainingJob") -> list[str]:
    """Return a line for each value that SageMaker would reject, by its own description, which boto3 contains.

    boto3 itself checks types and names of keys, but neither lists of values nor patterns.
    """
    service = botocore.session.get_session().get_service_model("sagemaker")
    shape: Any = service.operation_model(operation).input_shape
    found = ParamValidator().validate(request, shape)
    if found.has_errors():
        return found.generate_report().splitlines()
    run, wait = (request.get("StoppingCondition", {}).get(f"Max{each}InSeconds") for each in ("Runtime", "WaitTime"))
    too_short = run and wait and wait < run
    return [
        *rejected(request, shape, ""),
        *(["MaxWaitTimeInSeconds is below MaxRuntimeInSeconds"] if too_short else []),
    ]


def rejected(value: Any, shape: Any, place: str) -> Iterator[str]:
    """Yield a line for each text below a place of the request that is none of the allowed ones."""
    if shape.type_name == "structure":
        for key, each in value.items():
            yield from rejected(each, shape.members[key], f"{place}.{key}".lstrip("."))
    elif shape.type_name == "list":
        for number, each in enumerate(value):
            yield from rejected(each, shape.member, f"{place}.{number}")
    elif shape.type_name == "map":
        for key, each in value.items():
            yield from rejected(each, shape.value, f"{place}.{key}")
    elif shape.type_name == "string":
        pattern = shape.metadata.get("pattern", "")
        if shape.enum and value not in shape.enum:
            yield f"{place}: {value} is none of the {len(shape.enum)} values that there are"
        elif r"\p{" not in pattern and pattern and not re.fullmatch(pattern, value):  # Java's classes are not Python's
            yield f"{place}: {value} does not match {pattern}"
        elif len(value) > shape.metadata.get("max", len(value)):
            yield f"{place}: longer than {shape.metadata['max']} characters"


def submit(request: dict[str, Any]) -> str:
    """Upload training and test rows, create the job and return its address.

    Raises:
        UserError: there are no rows, or AWS refuses or cannot be reached.
    """
    channels = [each["DataSource"] for each in request.get("InputDataConfig", []) if each["ChannelName"] == "rows"]
    try:
        for channel in channels:
            place = urlsplit(channel["S3DataSource"]["S3Uri"])
            for path in (require(TRAIN), require(TEST)):
                boto3.client("s3").upload_file(str(path), place.netloc, f"{place.path.strip('/')}/{path.name}")
        return boto3.client("sagemaker").create_training_job(**request)["TrainingJobArn"]
    except (BotoCoreError, ClientError, boto3.exceptions.Boto3Error) as error:
        raise UserError(f"AWS: {' '.join(str(error).split())[:300]}") from error


def main() -> None:
    """Check the request; print or send it."""
    from ..registry.client import Tracking  # imports MLflow, which takes seconds

    parser = argparse.ArgumentParser(prog="poe sagemaker", description=__doc__)
    parser.add_argument("--submit", action="store_true", help="upload the training rows and start the job")
    arguments = parser.parse_args()
    with exit_on_user_error("sagemaker"):
        request = read_request(f"{Tracking.load().model[:40]}-{datetime.now(UTC):%Y%m%d-%H%M%S}")
        if arguments.submit:
            print(f"{submit(request)}: its model will be below {request['OutputDataConfig']['S3OutputPath']}")
        else:
            print(json.dumps(request, indent=2))


if __name__ == "__main__":
    main()
