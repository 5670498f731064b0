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
    "AliasLimitExceededException": Fault(400, "User", "message"),
    "CallbackTimeoutException": Fault(400, "User", "Message"),
    "CapacityProviderLimitExceededException": Fault(400, "User", "message"),
    "CodeArtifactUserDeletedException": Fault(409, "User", "message"),
    "CodeArtifactUserFailedException": Fault(409, "User", "message"),
    "CodeArtifactUserPendingException": Fault(409, "User", "message"),
    "CodeSigningConfigNotFoundException": Fault(404, "User", "Message"),
    "CodeStorageExceededException": Fault(400, "User", "message"),
    "CodeVerificationFailedException": Fault(400, "User", "Message"),
    "DurableExecutionAlreadyStartedException": Fault(409, "User", "Message"),
    "EC2AccessDeniedException": Fault(502, "Service", "Message"),
    "EC2ThrottledException": Fault(502, "Service", "Message"),
    "EC2UnexpectedException": Fault(502, "Service", "Message"),
    "EFSIOException": Fault(410, "User", "Message"),
    "EFSMountConnectivityException": Fault(408, "User", "Message"),
    "EFSMountFailureException": Fault(403, "User", "Message"),
    "EFSMountTimeoutException": Fault(408, "User", "Message"),
    "ENILimitReachedException": Fault(502, "Service", "Message"),
    "ENINotReadyException": Fault(502, "Service", "Message"),
    "ExpiredTokenException": Fault(403, None, "message"),
    "FunctionVersionsPerCapacityProviderLimitExceededException": Fault(400, "User", "message"),
    "InvalidCodeSignatureException": Fault(400, "User", "Message"),
    "InvalidParameterValueException": Fault(400, "User", "message"),
    "InvalidRequestContentException": Fault(400, "User", "message"),
    "InvalidRuntimeException": Fault(502, "Service", "Message"),
    "InvalidSecurityGroupIDException": Fault(502, "Service", "Message"),
    "InvalidSignatureException": Fault(403, None, "message"),
    "InvalidSubnetIDException": Fault(502, "Service", "Message"),
    "InvalidZipFileException": Fault(502, "Service", "Message"),
    "KMSAccessDeniedException": Fault(502, "Service", "Message"),
    "KMSDisabledException": Fault(502, "Service", "Message"),
    "KMSInvalidStateException": Fault(502, "Service", "Message"),
    "KMSNotFoundException": Fault(502, "Service", "Message"),
    "ModeNotSupportedException": Fault(400, "User", "message"),
    "NoPublishedVersionException": Fault(400, "User", "Message"),
    "NotImplemented": Fault(501, "Service", "Message"),  # ours: what is not built yet
    "PolicyLengthExceededException": Fault(400, "User", "message"),
    "PreconditionFailedException": Fault(412, "User", "message"),
    "ProvisionedConcurrencyConfigNotFoundException": Fault(404, "User", "message"),
    "PublicPolicyException": Fault(400, "User", "Message"),
    "RecursiveInvocationException": Fault(400, "User", "Message"),
    "RequestEntityTooLargeException": Fault(413, "User", "message"),  # sic: the wire
    "RequestTooLargeException": Fault(413, "User", "message"),
    "ResourceConflictException": Fault(409, "User", "message"),
    "ResourceInUseException": Fault(400, "User", "Message"),
    "ResourceNotFoundException": Fault(404, "User", "Message"),  # sic: the model has both spellings
    "ResourceNotReadyException": Fault(502, "Service", "message"),
    "RuntimeAliasDeletedException": Fault(409, "User", "message"),
    "RuntimeVersionDeletedException": Fault(409, "User", "message"),
    "S3FilesMountConnectivityException": Fault(408, "User", "Message"),
    "S3FilesMountFailureException": Fault(403, "User", "Message"),
    "S3FilesMountTimeoutException": Fault(408, "User", "Message"),
    "SerializationException": Fault(400, None, "Message"),
    "SerializedRequestEntityTooLargeException": Fault(413, "User", "message"),
    "ServiceException": Fault(500, "Service", "Message"),
    "ServiceQuotaExceededException": Fault(402, "User", "Message"),
    "SnapStartException": Fault(400, "User", "Message"),
    "SnapStartNotReadyException": Fault(409, "User", "Message"),
    "SnapStartRegenerationFailureException": Fault(409, "User", "Message"),
    "SnapStartTimeoutException": Fault(408, "User", "Message"),
    "SubnetIPAddressLimitReachedException": Fault(502, "Service", "Message"),
    "TooManyRequestsException": Fault(429, "User", "message"),
    "UnknownOperationException": Fault(404, "User", "message"),
    "UnrecognizedClientException": Fault(403, None, "message"),
    "UnsupportedMediaTypeException": Fault(415, "User", "message"),
    "ValidationException": Fault(400, None, "message"),
}


class AwsError(Exception):
    """Another service said no: its own code and text, and the status of its answer."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


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
