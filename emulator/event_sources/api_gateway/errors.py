"""What a REST API says itself: one table of kinds, one exception.

Source: API Gateway Developer Guide, gateway response types.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from emulator.event_sources.http_messages import HttpAnswer, json_answer


@dataclass(frozen=True, slots=True)
class Fault:
    """Status, x-amzn-ErrorType, message, and the key of the message in the body."""

    status: int
    error_type: str
    message: str | None
    message_key: str = "message"


FAULTS: Final[Mapping[str, Fault]] = {
    "ACCESS_DENIED": Fault(
        403,
        "AccessDeniedException",
        "User is not authorized to access this resource",
        "Message",  # sic
    ),
    "API_CONFIGURATION_ERROR": Fault(500, "InternalServerErrorException", "Internal server error"),
    "AUTHORIZER_CONFIGURATION_ERROR": Fault(500, "AuthorizerConfigurationException", None),
    "AUTHORIZER_FAILURE": Fault(500, "AuthorizerConfigurationException", None),
    "BAD_REQUEST_BODY": Fault(400, "BadRequestException", "Invalid request body"),
    "BAD_REQUEST_PARAMETERS": Fault(400, "BadRequestException", "Missing required parameters"),
    "FORBIDDEN": Fault(403, "ForbiddenException", "Forbidden"),  # no stage: no such response type
    "INTEGRATION_FAILURE": Fault(502, "InternalServerErrorException", "Internal server error"),
    "INTEGRATION_TIMEOUT": Fault(504, "GatewayTimeoutException", "Endpoint request timed out"),
    "INVALID_API_KEY": Fault(403, "ForbiddenException", "Forbidden"),
    "MISSING_AUTHENTICATION_TOKEN": Fault(
        403, "MissingAuthenticationTokenException", "Missing Authentication Token"
    ),
    "NOT_BUILT": Fault(501, "NotImplementedException", None),  # ours
    "REQUEST_TOO_LARGE": Fault(
        413, "RequestTooLargeException", "HTTP content length exceeded 10485760 bytes."
    ),
    "UNAUTHORIZED": Fault(401, "UnauthorizedException", "Unauthorized"),
    "UNSUPPORTED_MEDIA_TYPE": Fault(415, "UnsupportedMediaTypeException", "Unsupported Media Type"),
}


class GatewayError(Exception):
    """The API answers itself, with a gateway response of this kind."""

    def __init__(self, kind: str, message: str | None = None, cause: str | None = None) -> None:
        super().__init__(cause or message or kind)
        self.kind = kind
        self.fault = FAULTS[kind]
        self.message = message or self.fault.message
        self.cause = cause  # what the emulator's terminal tells, and API Gateway's log would

    def answer(self) -> HttpAnswer:
        """The answer of an API that does not word its errors itself."""
        kind = ("x-amzn-ErrorType", self.fault.error_type)
        return json_answer(self.fault.status, {self.fault.message_key: self.message}, kind)
