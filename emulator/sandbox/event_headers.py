"""What the headers tell a runtime of its event. Source: spec/runtime-api.md section 1."""

import json

from emulator.model import Invocation


def event_headers(invocation: Invocation, deadline_ms: int) -> dict[str, str]:
    """Return them; `deadline_ms` is milliseconds since the epoch."""
    headers = {
        "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
        "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
        "Lambda-Runtime-Invoked-Function-Arn": invocation.invoked_arn,
        "Lambda-Runtime-Trace-Id": invocation.trace_header,
        "Content-Type": "application/json",
    }
    if invocation.tenant_id is not None:
        headers["Lambda-Runtime-Aws-Tenant-Id"] = invocation.tenant_id
    if invocation.client_context is not None:
        # A header cannot hold what is beyond Latin-1; JSON can be written without it.
        text = json.dumps(json.loads(invocation.client_context))
        headers["Lambda-Runtime-Client-Context"] = text
    return headers
