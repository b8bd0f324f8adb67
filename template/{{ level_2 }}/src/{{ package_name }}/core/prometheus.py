# Managed by copier-mlops: an update merges with your edits.
"""Queries of a Prometheus, and the metrics of one server."""

import json
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from .errors import UserError

SECONDS = 30
Samples = list[tuple[dict[str, str], float]]  # labels and value of each series


class NoPrometheusError(UserError):
    """The server at an address has no such API."""


def query(address: str, expression: str) -> Samples:
    """Return the series that an expression has now.

    Raises:
        NoPrometheusError: there is another server.
        UserError: Prometheus cannot be reached, or refuses the query.
    """
    try:
        with urlopen(f"{address}/api/v1/query?{urlencode({'query': expression})}", timeout=SECONDS) as response:
            return [(one["metric"], float(one["value"][1])) for one in json.load(response)["data"]["result"]]
    except HTTPError as error:
        if error.code == 404:
            raise NoPrometheusError(f"{address} is no Prometheus") from error
        raise UserError(f"Prometheus at {address} refuses a query: {_reason(error)}") from error
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        raise UserError(f"Prometheus at {address}: {getattr(error, 'reason', error)}") from error


def scrape(address: str) -> list[Sample]:
    """Return the metrics of a server.

    Raises:
        OSError: it does not respond.
        ValueError: its answer has no metrics.
    """
    with urlopen(f"{address}/metrics", timeout=SECONDS) as response:
        return samples(response.read().decode())


def samples(text: str) -> list[Sample]:
    """Return the samples in what a server has at `/metrics`."""
    return [one for family in text_string_to_metric_families(text) for one in family.samples]


def _reason(error: HTTPError) -> str:
    """Return what Prometheus writes about an error; a proxy in front of it may write something else."""
    try:
        return " ".join(json.load(error)["error"].split())
    except (ValueError, KeyError, TypeError, AttributeError):
        return str(error)
