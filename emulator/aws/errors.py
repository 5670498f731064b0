"""Errors of the front itself, in the shape that the service's clients read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from emulator.aws.routing import Environ, is_form

_XML: Final = "application/xml"
REST_XML: Final = frozenset({"s3", "s3control", "route53", "cloudfront"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


def refuse(
    environ: Environ, backend: str, request_id: str, code: str, message: str, status: str
) -> Answer:
    """An error of `backend` in its own protocol: S3's XML, a query API's XML, or JSON."""
    if backend in REST_XML:
        members = {"Code": code, "Message": message, "RequestId": request_id}
        return _answer(status, _XML, _xml("Error", members), {"x-amz-request-id": request_id})
    if backend == "ec2":
        body = f"<Response><Errors>{_member(code, message)}</Errors></Response>"
        return _answer(status, _XML, body, {"x-amzn-requestid": request_id})
    if "HTTP_X_AMZ_TARGET" not in environ and is_query(environ):
        tail = f"<RequestId>{request_id}</RequestId>"
        body = f"<ErrorResponse>{_member(code, message)}{tail}</ErrorResponse>"
        return _answer(status, _XML, body, {"x-amzn-requestid": request_id})
    body = json.dumps({"__type": code, "message": message})
    headers = {"x-amzn-requestid": request_id, "x-amzn-errortype": code}
    return _answer(status, "application/x-amz-json-1.1", body, headers)


def is_query(environ: Environ) -> bool:
    """Whether a request without a target is one of a query API."""
    return is_form(environ) or "Action=" in environ.get("QUERY_STRING", "")


def _member(code: str, message: str) -> str:
    return _xml("Error", {"Type": "Receiver", "Code": code, "Message": message})


def _xml(name: str, members: Mapping[str, str]) -> str:
    root = ElementTree.Element(name)
    for member, text in members.items():
        ElementTree.SubElement(root, member).text = text
    return ElementTree.tostring(root, encoding="unicode")


def _answer(status: str, content_type: str, body: str, headers: Mapping[str, str]) -> Answer:
    encoded = body.encode()
    fixed = [("Content-Type", content_type), ("Content-Length", str(len(encoded)))]
    return Answer(status, [*fixed, *headers.items()], encoded)
