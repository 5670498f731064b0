"""API calls of the emulator's own, by the operation's name, without a socket."""

import io
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from emulator.aws.routing import Environ
from emulator.model import AwsError

_ENDPOINT = "http://127.0.0.1"


class OwnCalls:
    """Calls services as a client would, so that they check, store and tell what they always do.

    Any thread may call, except one that holds a lock of a service of moto. `_lock` guards the
    clients, which are kept for each service, account and region.
    """

    def __init__(self, wsgi: Callable[[Environ, Any], Iterable[bytes]]) -> None:
        self._wsgi = wsgi
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str, str], Any] = {}

    def call(
        self,
        service: str,
        operation: str,
        account: str,
        region: str,
        parameters: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """Call `operation` ("SendMessage") of a service (botocore's name: "sqs").

        Raises AwsError with the service's code, message and status; LookupError when botocore
        knows no such service or operation.
        """
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        client = self._client(service, account, region)
        method = getattr(client, xform_name(operation), None)
        if method is None:
            raise LookupError(f"{service} has no operation {operation}")
        try:
            answer: Mapping[str, Any] = method(**parameters)
            return answer
        except ClientError as error:
            told = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise AwsError(told["Code"], told["Message"], status) from error
        except BotoCoreError as error:  # the parameters do not fit the operation
            raise AwsError("ValidationException", str(error)) from error

    def _client(self, service: str, account: str, region: str) -> Any:
        from botocore.exceptions import UnknownServiceError

        with self._lock:
            client = self._clients.get((service, account, region))
            if client is None:
                try:
                    client = self._make_client(service, account, region)
                except UnknownServiceError as error:
                    raise LookupError(f"AWS has no service {service}") from error
                self._clients[service, account, region] = client
            return client

    def _make_client(self, service: str, account: str, region: str) -> Any:
        import botocore.session
        from botocore.config import Config

        if self._session is None:
            # The user's own profiles and settings are none of our business.
            no_files = {"profile": (None, None, None, None), "config_file": (None, None, "", None)}
            self._session = botocore.session.Session(session_vars=no_files)
        client = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=_ENDPOINT,
            aws_access_key_id=account,  # twelve digits: they select the account
            aws_secret_access_key="emulator",
            config=Config(
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                inject_host_prefix=False,
            ),
        )
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse, HeadersDict

        started: list[tuple[str, list[tuple[str, str]]]] = []
        chunks = self._wsgi(
            _environ(request), lambda status, headers: started.append((status, headers))
        )
        body = b"".join(chunks)
        status, headers = started[-1]
        made: Any = HeadersDict(headers)  # its stubs know other headers only
        return AWSResponse(request.url, int(status[:3]), made, _Body(body))


class _Body(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, *_: Any, **__: Any) -> Iterable[bytes]:
        """All of it at once."""
        return [self.read()]


def _environ(request: Any) -> Environ:
    """PEP 3333 for a prepared request of botocore's."""
    url = urlsplit(request.url)
    body = request.body or b""
    content = (
        body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else body.read()
    )
    environ: Environ = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote(url.path or "/", encoding="latin-1"),
        "RAW_URI": url.path or "/",
        "QUERY_STRING": url.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc,
        "wsgi.input": io.BytesIO(content),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        text = value.decode() if isinstance(value, bytes) else str(value)
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = text
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    environ["CONTENT_LENGTH"] = str(len(content))
    environ.pop("HTTP_CONTENT_LENGTH", None)
    return environ
