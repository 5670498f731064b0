"""The running emulator, as a command sees it: a few requests over plain HTTP.

boto3 would take half a second to import; these commands take a tenth of one in all.
"""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from emulator.cli.errors import CommandError

_CONNECT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    server: str  # who gave it
    status: int
    headers: Mapping[str, str]  # their names in lower case
    body: bytes

    @property
    def refusal(self) -> CommandError:
        """The error that it is, for the user."""
        return CommandError(f"{self.server}: {self.message}")

    @property
    def message(self) -> str:
        """What an error says, as AWS or the emulator's own pages put it."""
        try:
            document = json.loads(self.body)
            return str(document.get("message") or document.get("Message"))
        except (ValueError, AttributeError):
            return (
                f"what answers there is not this emulator (HTTP status {self.status}). "
                "Pass --endpoint-url."
            )


class RunningServer:
    """The emulator at one address. Raises CommandError when nothing answers there.

    named_by: the variable that led here, where the user may not expect it.
    """

    def __init__(self, endpoint_url: str, *, named_by: str = "") -> None:
        self._named_by = named_by
        try:
            parts = urlsplit(endpoint_url if "//" in endpoint_url else f"//{endpoint_url}")
            self._host, self._port = parts.hostname or "", parts.port or 80
            is_address = bool(self._host.encode("idna")) and parts.scheme in ("", "http")
        except ValueError:
            is_address = False
        if not is_address:
            raise CommandError(f'"{endpoint_url}" is not an address like http://127.0.0.1:4566')

    @property
    def url(self) -> str:
        """The address."""
        return f"http://{self._host}:{self._port}"

    def is_another_program(self) -> bool:
        """Ask who is there: True when something answers, and it is no such emulator."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_CONNECT_S)
        try:
            connection.request("GET", "/_emulator/health")
            health = json.loads(connection.getresponse().read())
        except OSError:
            return False
        except (http.client.HTTPException, ValueError):
            return True
        finally:
            connection.close()
        return not (isinstance(health, dict) and "functions" in health)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request and wait for the answer, however long it takes."""
        return self._read(self._request("POST", path, body, headers))

    def get_json(self, path: str, **query: str) -> Any:
        """Fetch a JSON document of the emulator's own pages."""
        return self._json(self._read(self._request("GET", f"{path}?{urlencode(query)}")))

    def post_json(self, path: str, document: Mapping[str, Any]) -> Any:
        """Send a JSON document to one of the emulator's own pages, and read the answer."""
        headers = {"Content-Type": "application/json"}
        return self._json(self.post(path, json.dumps(document).encode(), headers))

    def _json(self, answer: Answer) -> Any:
        if answer.status != http.HTTPStatus.OK:
            raise answer.refusal
        try:
            return json.loads(answer.body)
        except ValueError:
            text = f"what answers at {self._shown} is not this emulator"
            raise CommandError(f"{text}. Pass --endpoint-url.") from None

    def put(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Replace something."""
        return self._read(self._request("PUT", path, body, headers))

    def delete(self, path: str, **query: str) -> Answer:
        """Have something removed."""
        return self._read(self._request("DELETE", f"{path}?{urlencode(query)}"))

    def stream(self, path: str, **query: str) -> Iterator[bytes]:
        """Fetch a text piece by piece, as it comes."""
        response = self._request("GET", f"{path}?{urlencode(query)}")
        if response.status != http.HTTPStatus.OK:
            raise self._read(response).refusal
        while piece := response.read1():
            yield piece

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> http.client.HTTPResponse:
        try:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_CONNECT_S)
            connection.connect()
            assert isinstance(connection.sock, socket.socket)
            connection.sock.settimeout(None)  # a function may run for minutes
            connection.request(method, path, body, dict(headers))
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise CommandError(
                f"no emulator answers at {self._shown} ({error}). Start one with: lambda-emulator"
                " start, or pass --endpoint-url."
            ) from None

    @property
    def _shown(self) -> str:
        return f"{self.url} ({self._named_by})" if self._named_by else self.url

    def _read(self, response: http.client.HTTPResponse) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(self._shown, response.status, headers, response.read())


def function_path(name: str) -> str:
    """The path of a function in the Lambda API."""
    if not name:
        raise CommandError("the name of the function is empty")
    return f"/2015-03-31/functions/{quote(name, safe='')}"
