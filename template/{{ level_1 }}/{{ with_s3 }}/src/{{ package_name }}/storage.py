# Managed by copier-mlops: an update merges with your edits.
"""Sets what becomes of old objects in the bucket: infrastructure/s3/lifecycle.json says it."""

import argparse
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self, get_args

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator
from pydantic.alias_generators import to_pascal

from .config import load
from .errors import UserError, reported

POLICY = Path("infrastructure/s3/lifecycle.json")
StorageClass = Literal[  # each colder than the one before
    "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"
]
FIRST_DAY = {"STANDARD_IA": 30, "ONEZONE_IA": 30}  # Amazon takes no object earlier


class Part(BaseModel):
    """A part of the policy, with the names that S3 uses."""

    model_config = ConfigDict(alias_generator=to_pascal, extra="forbid", frozen=True)


class Prefix(Part):
    """Which objects a rule is about; the empty prefix is all of them."""

    prefix: str


class Transition(Part):
    """When objects move to a colder storage class."""

    days: PositiveInt
    storage_class: StorageClass

    @model_validator(mode="after")
    def _late_enough(self) -> Self:
        if self.days < (first := FIRST_DAY.get(self.storage_class, 1)):
            raise ValueError(f"{self.storage_class} takes objects from day {first} on, not on day {self.days}")
        return self


class Expiration(Part):
    """When objects are deleted."""

    days: PositiveInt


class Abort(Part):
    """When uploads that never ended are deleted; nobody sees them, and they are paid for."""

    days_after_initiation: PositiveInt


class Rule(Part):
    """What becomes of some objects."""

    id: str = Field(alias="ID")
    status: Literal["Enabled", "Disabled"]
    filter: Prefix
    transitions: list[Transition] | None = None
    expiration: Expiration | None = None
    abort_incomplete_multipart_upload: Abort | None = None

    @model_validator(mode="after")
    def _colder_and_colder(self) -> Self:
        order = get_args(StorageClass)
        for earlier, later in pairwise(self.transitions or []):
            if later.days <= earlier.days or order.index(later.storage_class) <= order.index(earlier.storage_class):
                raise ValueError(f"{later.storage_class} must come after {earlier.storage_class}, and be colder")
        if self.expiration and self.transitions and self.expiration.days <= self.transitions[-1].days:
            raise ValueError("objects must not be deleted before their last transition")
        return self


class Policy(Part):
    """The schema of `infrastructure/s3/lifecycle.json`."""

    rules: list[Rule]


def set_lifecycle(bucket: str, policy: Policy) -> bool:
    """Give a bucket the rules of the policy, and return whether that changed any; rules with other IDs stay.

    Raises:
        UserError: the bucket cannot be reached or changed; says why.
    """
    wanted = policy.model_dump(by_alias=True, exclude_none=True)["Rules"]
    ours = {rule["ID"] for rule in wanted}
    try:
        client = boto3.client("s3")
        there = _rules(client, bucket)
        rules = [rule for rule in there if rule["ID"] not in ours] + wanted
        if _by_id(rules) == _by_id(there):
            return False
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    except (BotoCoreError, ClientError) as error:
        raise UserError(f"bucket {bucket}: {error}") from error
    return True


def _rules(client: Any, bucket: str) -> list[dict[str, Any]]:
    try:
        return client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return []


def _by_id(rules: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {rule["ID"]: rule for rule in rules}


def main() -> None:
    """Set the lifecycle of a bucket."""
    parser = argparse.ArgumentParser(prog="lifecycle", description=__doc__)
    parser.add_argument("--bucket", required=True)
    arguments = parser.parse_args()
    with reported("lifecycle"):
        changed = set_lifecycle(arguments.bucket, load(POLICY, Policy))
        print(f"{arguments.bucket} {'has the rules now' if changed else 'had the rules already'}: {POLICY.as_posix()}")


if __name__ == "__main__":
    main()
