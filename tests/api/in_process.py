"""A boto3 client whose requests an application answers without a socket: thousands in seconds."""

import io
from collections.abc import Iterator
from typing import Any
from wsgiref.types import WSGIApplication

import boto3
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from werkzeug.test import Client

from tests.api.output_shape import refuse_foreign_answers


class InProcess:
    """Sends the requests of one boto3 client to `wsgi`, as those of `account`.

    The account may change between requests.
    """

    def __init__(self, wsgi: WSGIApplication, account: str, region: str = "us-east-1") -> None:
        self.account = account
        self._wsgi = Client(wsgi)
        self.region = region
        self.client: Any = boto3.client(
            "lambda",
            endpoint_url="http://localhost",
            region_name=region,
            config=Config(
                retries={"total_max_attempts": 1},
                parameter_validation=False,
                signature_version=UNSIGNED,
            ),
        )
        events: Any = self.client.meta.events  # its stubs know no handler that answers
        events.register("before-send.lambda", self._answer)
        refuse_foreign_answers(self.client)

    @property
    def identity(self) -> dict[str, str]:
        """The headers that tell a `Lab` who asks."""
        return {"X-Test-Account": self.account, "X-Test-Region": self.region}

    def call(self, operation: str, request: dict[str, Any]) -> Any:
        """Call an operation by its name in the service model; raises as boto3 does."""
        return self.client._make_api_call(operation, request)  # by any name, with any members

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        headers = [(name, _text(value)) for name, value in request.headers.items()]
        answer = self._wsgi.open(
            request.url,
            method=request.method,
            headers=[*headers, *self.identity.items()],
            data=request.body,
        )
        raw: Any = _Raw(answer.data)
        named = HTTPHeaders.from_dict(dict(answer.headers))
        return AWSResponse(request.url, answer.status_code, named, raw)


class _Raw(io.BytesIO):
    """A body as urllib3 hands it out."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
