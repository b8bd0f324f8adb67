"""Print the spans in the bodies of OTLP requests, which are files: name, trace, parent, trace of each link, request id: SLUG FILES."""

import json
import sys
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

found = [
    {
        "name": span.name,
        "trace": span.trace_id.hex(),
        "parent": span.parent_span_id.hex(),
        "links": [link.trace_id.hex() for link in span.links],
        "request": next(one.value.string_value for one in span.attributes if one.key == "prediction.request_id"),
    }
    for path in sys.argv[2:]
    for resource in ExportTraceServiceRequest.FromString(Path(path).read_bytes()).resource_spans
    for scope in resource.scope_spans
    for span in scope.spans
]
print(json.dumps(found))
