# Managed by copier-mlops: an update merges with your edits.
"""Apply the lifecycle rules of infrastructure/s3/lifecycle.json to a bucket; rules with other IDs stay."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

POLICY = Path("infrastructure/s3/lifecycle.json")


def apply(bucket: str, wanted: list[dict[str, Any]]) -> bool:
    """Give a bucket the rules, and return whether that changed any."""
    client = boto3.client("s3")
    current = current_rules(client, bucket)
    ids = {rule["ID"] for rule in wanted}
    rules = [rule for rule in current if rule["ID"] not in ids] + wanted
    if by_id(rules) == by_id(current):
        return False
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    return True


def current_rules(client: Any, bucket: str) -> list[dict[str, Any]]:
    """Return the rules of a bucket."""
    try:
        return client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return []


def by_id(rules: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return rules by ID."""
    return {rule["ID"]: rule for rule in rules}


def main() -> None:
    """Read the command line; exit with code 1 and one line if the bucket cannot be changed."""
    parser = argparse.ArgumentParser(prog="poe lifecycle", description=__doc__)
    parser.add_argument("--bucket", required=True)
    bucket = parser.parse_args().bucket
    try:
        changed = apply(bucket, json.loads(POLICY.read_text(encoding="utf-8"))["Rules"])
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"lifecycle: bucket {bucket}: {' '.join(str(error).split())}")
    print(f"{bucket} {'has the rules now' if changed else 'had the rules already'}: {POLICY.as_posix()}")


if __name__ == "__main__":
    main()
