# Managed by copier-mlops: an update merges with your edits.
"""Sends spans to an OpenTelemetry collector by OTLP over HTTP, if `OTEL_EXPORTER_OTLP_ENDPOINT` names one."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


def provider(service: str) -> "TracerProvider | None":
    """Return where a process gets its tracers, or None if there is no collector; `shutdown` sends what is left."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    found = TracerProvider(resource=Resource.create({"service.name": service}))
    found.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return found
