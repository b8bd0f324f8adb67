# Managed by copier-mlops: an update merges with your edits.
"""Vertex AI of Google Cloud: a custom job, and an endpoint."""

from typing import Any

from ...core.errors import UserError
from . import Request, require_pushed

PACKAGE = "google-cloud-aiplatform"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def check(operation: str, content: dict[str, Any]) -> None:
    """Raise what Google's type of the request raises."""
    from google.cloud.aiplatform_v1 import types  # pyrefly: ignore
    from google.protobuf.json_format import ParseDict

    kind = getattr(types, f"{operation}Request")
    ParseDict(content, kind.pb(kind()))


def send(request: Request) -> str:
    """Start the job, with the credentials that Google's own tools use."""
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    if "CreateCustomJob" not in request:
        raise UserError("docs/submit.md shows the three steps that create an endpoint of Vertex AI")
    require_pushed()
    parent, content = (request["CreateCustomJob"][key] for key in ("parent", "customJob"))
    address = f"https://{parent.rpartition('/')[2]}-aiplatform.googleapis.com/v1/{parent}/customJobs"
    response = AuthorizedSession(google.auth.default([SCOPE])[0]).post(address, json=content, timeout=60)
    if not response.ok:
        raise UserError(f"Google: {response.status_code} {' '.join(response.text.split())[:300]}")
    return response.json()["name"]
