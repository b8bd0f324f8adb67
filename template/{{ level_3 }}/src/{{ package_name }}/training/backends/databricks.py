# Managed by copier-mlops: an update merges with your edits.
"""Databricks, in the workspace that its own tools use: a run on a cluster of its own, and an endpoint."""

from typing import Any

from . import Request, require_pushed

PACKAGE = "databricks-bundles"
RUN = "2.2/jobs/runs/submit"  # operations are paths of the REST API


def check(operation: str, content: dict[str, Any]) -> None:
    """Raise what Databricks' type of the request raises."""
    from databricks.bundles import jobs, model_serving_endpoints  # pyrefly: ignore

    if operation == RUN:  # the type of a job has the name under another key
        jobs.Job.from_dict({"name" if key == "run_name" else key: value for key, value in content.items()})
    else:
        model_serving_endpoints.ModelServingEndpoint.from_dict(content)


def send(request: Request) -> str:
    """Start the run, or create the endpoint."""
    from databricks.sdk import WorkspaceClient

    ((operation, content),) = request.items()
    if operation == RUN:
        require_pushed()
    made: Any = WorkspaceClient().api_client.do("POST", f"/api/{operation}", body=content)
    return made["name"] if operation != RUN else f"run {made['run_id']}"
