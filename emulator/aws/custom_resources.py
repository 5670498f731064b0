"""Custom resources of CloudFormation: what a function is asked, and what it answers."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qs

from emulator.model import LambdaError

TYPE: Final = "AWS::CloudFormation::CustomResource"
_TOKEN: Final = re.compile(r"arn:[\w-]+:(lambda|sns):[a-z0-9-]+:\d{12}:.+")
_RESPONSE_BYTES: Final = 4_096
_DEFAULT_TIMEOUT_S: Final = 3_600  # and the longest
_PATH: Final = "/cloudformation_{region}/cfnresponse"


def _new_id() -> str:
    return str(uuid.uuid4())


class CustomResourceError(Exception):
    """A custom resource failed; the text is its status reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomResourceRequest:
    """One request for a custom resource, before it has an address for the answer."""

    request_type: str  # Create, Update, Delete
    stack_id: str
    region: str
    resource_type: str
    logical_id: str
    properties: Mapping[str, Any]  # with ServiceToken
    physical_id: str | None = None  # None for Create
    old_properties: Mapping[str, Any] | None = None  # for Update only
    request_id: str = field(default_factory=_new_id)

    @property
    def service_token(self) -> str:
        """ARN of the function, or of the topic, that is asked."""
        return str(self.properties.get("ServiceToken"))

    def for_deletion(self, physical_id: str) -> "CustomResourceRequest":
        """The request that takes the resource away again."""
        return replace(
            self,
            request_type="Delete",
            physical_id=physical_id,
            old_properties=None,
            request_id=_new_id(),
        )

    @property
    def timeout_s(self) -> float:
        """How long CloudFormation waits for the answer."""
        return float(self.properties.get("ServiceTimeout", _DEFAULT_TIMEOUT_S))


@dataclass(frozen=True, slots=True)
class CustomResourceAnswer:
    """A successful answer."""

    physical_id: str
    data: Mapping[str, Any]
    no_echo: bool


def is_custom(resource_type: str) -> bool:
    """True for both forms of the type."""
    return resource_type.startswith("Custom::") or resource_type == TYPE


def problem_of(request: CustomResourceRequest) -> str | None:
    """Why nobody can be asked at all; None: somebody can."""
    if not _TOKEN.fullmatch(request.service_token):
        return "Invalid service token."
    timeout = str(request.properties.get("ServiceTimeout", _DEFAULT_TIMEOUT_S))
    if not re.fullmatch(r"\d{1,4}", timeout) or not 1 <= int(timeout) <= _DEFAULT_TIMEOUT_S:
        return f"ServiceTimeout must be a whole number from 1 to {_DEFAULT_TIMEOUT_S}."
    return None


def event(request: CustomResourceRequest, response_url: str) -> dict[str, Any]:
    """The event the function gets. Source: spec/events.md section 9."""
    document: dict[str, Any] = {
        "RequestType": request.request_type,
        "ServiceToken": request.service_token,
        "ResponseURL": response_url,
        "StackId": request.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": request.logical_id,
    }
    if request.physical_id is not None:
        document["PhysicalResourceId"] = request.physical_id
    document["ResourceType"] = request.resource_type
    document["ResourceProperties"] = _as_strings(request.properties)
    if request.old_properties is not None:
        document["OldResourceProperties"] = _as_strings(request.old_properties)
    return document


def parse_answer(request: CustomResourceRequest, body: bytes) -> CustomResourceAnswer:
    """Read what a function sent to the ResponseURL; raises CustomResourceError."""
    if len(body) > _RESPONSE_BYTES:
        raise CustomResourceError(
            f"Response object is too long. It must be at most {_RESPONSE_BYTES} bytes"
        )
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise CustomResourceError("Invalid response object: it is not a JSON object")
    if answer.get("Status") == "FAILED":
        reason = answer.get("Reason") or "no reason given"
        raise CustomResourceError(
            f"Received response status [FAILED] from custom resource. Message returned: {reason}"
        )
    if answer.get("Status") != "SUCCESS":
        raise CustomResourceError("Invalid response object: Status is neither SUCCESS nor FAILED")
    physical_id = answer.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not physical_id:
        raise CustomResourceError("Invalid PhysicalResourceId")
    data = answer.get("Data") or {}
    if not isinstance(data, dict):
        raise CustomResourceError("Invalid response object: Data is not a JSON object")
    return CustomResourceAnswer(physical_id, data, no_echo=bool(answer.get("NoEcho")))


class PendingAnswers:
    """Requests that wait for their answer. Any thread may call; `_lock` guards the table."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[str, _Pending] = {}  # by token

    def open(self, request: CustomResourceRequest, base_url: str) -> str:
        """Return the ResponseURL of a new request."""
        token = str(uuid.uuid4())
        with self._lock:
            self._pending[token] = _Pending()
        return f"{base_url}{_PATH.format(region=request.region)}?token={token}"

    def when_answered(self, response_url: str, resume: Callable[[], None]) -> threading.Event:
        """Have `resume` called before the answer is acknowledged; returns what is set then."""
        pending = self._pending[_token(response_url)]
        pending.resume = resume
        return pending.has_come

    def has(self, response_url: str) -> bool:
        """True when the answer has come."""
        return self._pending[_token(response_url)].body is not None

    def take(self, response_url: str) -> bytes | None:
        """End the wait; returns the answer, None when there is none."""
        with self._lock:
            return self._pending.pop(_token(response_url)).body

    def answer(self, url: str, body: bytes) -> bool:
        """An answer came; False: nobody waits for it. The first one counts."""
        with self._lock:
            pending = self._pending.get(_token(url))
            if pending is None:
                return False
            if pending.body is None:
                pending.body = body
        pending.resume()
        pending.has_come.set()
        return True


@dataclass(slots=True)
class _Pending:
    has_come: threading.Event = field(default_factory=threading.Event)
    resume: Callable[[], None] = lambda: None
    body: bytes | None = None


def refused(error: LambdaError) -> CustomResourceError:
    """The function could not even be asked."""
    return CustomResourceError(
        f"{error.message} (Service: Lambda, Status Code: {error.fault.status},"
        f" Error Code: {error.code})"
    )


def _token(url: str) -> str:
    return parse_qs(url.partition("?")[2]).get("token", [""])[0]


def _as_strings(value: Any) -> Any:
    """CloudFormation hands over every number and boolean as a text."""
    if isinstance(value, Mapping):
        return {key: _as_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_strings(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None else str(value)
