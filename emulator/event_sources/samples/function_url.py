"""Samples of requests to a function URL."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.event_sources.http import front_of
from emulator.event_sources.http_messages import HttpRequest
from emulator.event_sources.payload_v2 import build_event
from emulator.event_sources.samples import constants


def _sample(method: str, body: str, content_type: str) -> Callable[..., dict[str, Any]]:
    def request(
        *,
        path: str = "/orders",
        query: str = "name=Ada",
        body: str = body,
        content_type: str = content_type,
        function: str = "hello",
        region: str = constants.REGION,
    ) -> dict[str, Any]:
        headers = {"host": "127.0.0.1:4566", "user-agent": "curl/8.5.0", "accept": "*/*"}
        if body:
            headers["content-type"] = content_type
        return build_event(
            HttpRequest(
                method=method,
                path=path,
                query=query,
                headers=headers,
                body=body.encode(),
                source_ip=constants.SOURCE_IP,
            ),
            front_of(function, region),
            request_id=constants.REQUEST_ID,
            now_s=constants.AT_S,
        )

    request.__doc__ = f"A {method} request."
    return request


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "get": _sample("GET", "", "application/json"),
    "post": _sample("POST", '{"key1":"value1"}', "application/json"),
}
