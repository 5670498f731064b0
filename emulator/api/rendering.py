"""From what an operation returns to the HTTP answer, as rest-json binds it.

No Lambda operation but Invoke puts anything of its answer into headers.
"""

import json
from datetime import datetime
from typing import Any

from botocore.model import OperationModel

from emulator.api.answer import Answer


def render(operation: OperationModel, response: dict[str, Any], request_id: str) -> Answer:
    """The answer to an operation that succeeded; `response` has botocore's member names."""
    status = operation.http["responseCode"]
    members = dict(response)
    for name, member in operation.output_shape.members.items() if operation.output_shape else ():
        if member.serialization.get("location") == "statusCode":
            status = members.pop(name, status)
    identity = ("x-amzn-RequestId", request_id)
    if status == 204:
        return Answer(status, [identity], b"")
    body = json.dumps(members, separators=(",", ":"), default=_as_json).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        identity,
    ]
    return Answer(status, headers, body)


def _as_json(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} cannot stand in an answer")
