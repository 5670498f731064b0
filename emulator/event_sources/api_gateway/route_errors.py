"""What an HTTP API says itself."""

from collections.abc import Mapping
from typing import Final

from emulator.event_sources.http_messages import HttpAnswer, json_answer

_MESSAGES: Final[Mapping[int, str]] = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Request Entity Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class RouteError(Exception):
    """The API answers itself, with this status."""

    def __init__(
        self, status: int, cause: str, *, message: str | None = None, challenge: str | None = None
    ) -> None:
        super().__init__(cause)
        self.status = status
        self.message = message or _MESSAGES[status]
        self.challenge = challenge  # WWW-Authenticate

    def answer(self) -> HttpAnswer:
        """The answer of the API."""
        answer = json_answer(self.status, {"message": self.message})
        if self.challenge:
            answer = answer.with_headers(("www-authenticate", self.challenge))
        return answer
