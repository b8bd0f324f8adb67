"""Checking entities by Backstage's own schemas, and by two rules that Backstage has in its code alone."""

import gzip
import json
import re
from functools import cache
from typing import Any

from jsonschema import Draft7Validator
from referencing import Registry, Resource

from harness.kube import SCHEMAS, Manifest, lines

SCHEMA_OF = {"Component": "Component.v1alpha1", "Location": "Location.v1alpha1", "Template": "Template.v1beta3"}
NAME = re.compile(r"(?=.{1,63}$)([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")  # `isValidObjectName` of catalog-model


@cache
def schemas() -> dict[str, Any]:
    """Return the schemas by name."""
    return json.loads(gzip.decompress((SCHEMAS / "backstage.json.gz").read_bytes()))


def problems(entity: Manifest) -> list[str]:
    """Return a line for each key that is unknown, missing or of another type, and for a name that is not valid."""
    registry = Registry().with_resources([(one["$id"], Resource.from_contents(one)) for one in schemas().values()])
    schema = schemas()[SCHEMA_OF[entity["kind"]]]
    found = lines(Draft7Validator(schema, registry=registry).iter_errors(entity))
    known = schema["allOf"][1]["properties"]["spec"]["properties"].keys()
    found += [f"spec/{key}: there is no such key" for key in entity["spec"].keys() - known]
    name = entity["metadata"]["name"]
    return found if NAME.fullmatch(name) else [*found, f"metadata/name: {name!r} is not a name"]
