"""What a caller of the Lambda API can be told: one table of codes, one exception."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """HTTP status, whose fault it is, and the key of the message in the body."""

    status: int
    type: str | None  # "User", "Service", or None where AWS sends no Type
    message_key: str


FAULTS: Final[Mapping[str, Fault]] = {
    "AccessDeniedException": Fault(403, None, "Message"),
    "InvalidParameterValueException": Fault(400, "User", "message"),
    "InvalidRequestContentException": Fault(400, "User", "message"),
    "InvalidZipFileException": Fault(502, "User", "Message"),
    "NotImplemented": Fault(501, "Service", "Message"),  # ours: an operation not built yet
    "PolicyLengthExceededException": Fault(400, "User", "message"),
    "PreconditionFailedException": Fault(412, "User", "message"),
    "RequestEntityTooLargeException": Fault(413, "User", "message"),
    "ResourceConflictException": Fault(409, "User", "message"),
    "ResourceNotFoundException": Fault(404, "User", "Message"),  # sic: the model has both spellings
    "SerializationException": Fault(400, "User", "Message"),
    "ServiceException": Fault(500, "Service", "Message"),
    "TooManyRequestsException": Fault(429, "User", "message"),
    "UnknownOperationException": Fault(404, "User", "message"),
    "ValidationException": Fault(400, None, "message"),
}


class LambdaError(Exception):
    """An answer of the Lambda API that is not a success.

    `members` are further members of the body (`Reason`); `headers` go onto the response.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        members: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.fault = FAULTS[code]
        self.message = message
        self.members = dict(members or {})
        self.headers = dict(headers or {})

    def body(self) -> dict[str, str]:
        """The JSON object AWS sends: extra members, `Type` where it has one, the message."""
        body = dict(self.members)
        if self.fault.type is not None:
            body["Type"] = self.fault.type
        body[self.fault.message_key] = self.message
        return body
