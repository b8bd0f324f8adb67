# Managed by copier-mlops: an update merges with your edits.
"""Sends requests to a model server as clients do."""

import json
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from ..core.inputs import Inputs
from ..core.prometheus import samples
from ..modeling.data import ENTITY, features_and_target
from ..registry.client import Tracking

SECONDS = 60  # for an answer


class Client:
    """A connection to a server, which counts predictions and those that failed."""

    def __init__(self, address: str, host: str | None = None) -> None:
        self._headers = {"Host": host} if host else {}  # of a service behind a gateway, such as one of KServe
        self.address, self.problem = address, ""  # the problem is that of the last request that failed
        self.requests = self.failed = 0
        self._path = f"/predict/{Tracking.load().model}"  # of whichever models the server has
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=SECONDS)

    def get(self, path: str) -> bytes | None:
        """Return the body of a response, or None if there is none or its status is not 200."""
        return self._request("GET", path)

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric of the server, of the series with these labels; 0 if it has none."""
        found = samples((self.get("/metrics") or b"").decode())
        return sum(one.value for one in found if one.name == name and labels.items() <= one.labels.items())

    def predict(self, rows: Sequence[Mapping[str, Any]], entity: str | None = None) -> dict[str, Any] | None:
        """Return the answer for rows, or None if the request failed, which is counted."""
        self.requests += 1
        named = {"X-Entity-ID": entity.encode()} if entity else {}
        answer = self._request("POST", self._path, json.dumps({"rows": [*rows]}), named)
        self.failed += answer is None
        return None if answer is None else json.loads(answer)

    def send(self, table: pd.DataFrame) -> list[dict[str, Any] | None]:
        """Send a request for each row of a table of `data.ingest`, with its entity, and return the answers."""
        return [*self.stream(table)]

    def stream(self, table: pd.DataFrame) -> Iterator[dict[str, Any] | None]:
        """Send a request for each row as `send` does, and yield each answer before the next request."""
        rows = Inputs.read().to_rows(features_and_target(table)[0])
        for row, entity in zip(rows, table[ENTITY].astype(str), strict=True):
            yield self.predict([row], entity)

    def _request(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, Any] = {}
    ) -> bytes | None:
        kept = self._connection.sock is not None
        try:
            self._connection.request(method, path, body, {**self._headers, **headers})
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, HTTPException, ValueError) as error:  # no header may hold a line break: a ValueError
            self.problem = f"no answer from {self.address}: {error}"
            self._connection.close()  # the next request connects again
            closed = isinstance(error, ConnectionError)  # as servers do with connections that were idle
            return self._request(method, path, body, headers) if kept and closed else None
        if response.status != 200:
            self.problem = f"{self.address} answers {response.status}: {content[:300].decode(errors='replace')}"
            return None
        return content


def outputs(answer: Mapping[str, Any]) -> list[Any]:
    """Return for each row of an answer the number, or the probabilities in the order of the classes."""
    return [
        [*one["probabilities"].values()] if "probabilities" in one else one["prediction"]
        for one in answer["predictions"]
    ]
