"""Invoking a function as boto3 does, with the answer in a handy form."""

import base64
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back of one invocation."""

    request_id: str
    function_error: str | None
    document: Any  # the payload, parsed
    log: str  # its last 4 KB

    @property
    def result(self) -> Any:
        """What the handler returned; fails the test when it did not."""
        assert self.function_error is None, self.document
        return self.document

    @property
    def error(self) -> tuple[str, str]:
        """Type and message of the error object, the request's id left out of the message."""
        assert self.function_error == "Unhandled", self.document
        message = self.document["errorMessage"]
        return self.document.get("errorType", ""), message.replace(
            f"RequestId: {self.request_id} ", ""
        )


def invoke(functions: Any, name: str, event: Any = None, **options: Any) -> Answer:
    """Invoke by a boto3 client and wait for the answer."""
    response = functions.invoke(
        FunctionName=name, Payload=json.dumps(event), LogType="Tail", **options
    )
    assert response["StatusCode"] == 200
    return Answer(
        request_id=response["ResponseMetadata"]["RequestId"],
        function_error=response.get("FunctionError"),
        document=json.load(response["Payload"]),
        log=base64.b64decode(response["LogResult"]).decode(errors="replace"),
    )
