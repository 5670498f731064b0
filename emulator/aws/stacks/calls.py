"""The way of a stack's resources into the services: the operations that every client calls."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.aws.functions import Functions
from emulator.aws.locks import ServiceLocks
from emulator.aws.stacks.coercion import PropertyProblem, members_of
from emulator.aws.stacks.resource_type import ResourceProblem
from emulator.model import AwsError, LambdaError

_HANDLER_CODES: Final = {  # by status; the rest is InvalidRequest
    403: "AccessDenied",
    404: "NotFound",
    409: "AlreadyExists",
    412: "ResourceConflict",
    429: "Throttling",
    500: "ServiceInternalError",
    501: "UnsupportedOperation",
}


@dataclass(frozen=True, slots=True)
class ServiceCalls:
    """Calls operations for one stack, with no lock of a service held meanwhile."""

    account: str
    region: str
    functions: Functions
    call_service: Callable[[str, str, str, str, Mapping[str, Any]], Mapping[str, Any]]
    locks: ServiceLocks

    def __call__(
        self, service: str, operation: str, properties: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return an operation's answer; raises ResourceProblem."""
        try:
            members = members_of(service, operation, properties)
            with self.locks.released():
                return self._call(service, operation, members)
        except PropertyProblem as problem:
            raise ResourceProblem(f"Properties validation failed: [{problem}]") from problem
        except LambdaError as error:
            status = error.fault.status
            raise _problem("Lambda", error.message, status, error.code) from error
        except AwsError as error:
            raise _problem(service, error.message, error.status, error.code) from error

    def _call(self, service: str, operation: str, members: dict[str, Any]) -> Mapping[str, Any]:
        if service == "lambda":
            return self.functions.operate(self.account, self.region, operation, members)
        return self.call_service(service, operation, self.account, self.region, members)


def _problem(service: str, message: str, status: int, code: str) -> ResourceProblem:
    """What a service refused, in the words of CloudFormation."""
    is_missing = status == 404 or "NotFound" in code or "NonExistent" in code or "NoSuch" in code
    handler_code = "NotFound" if is_missing else _HANDLER_CODES.get(status, "InvalidRequest")
    return ResourceProblem(
        f'Resource handler returned message: "{message} (Service: {service}, Status Code: {status},'
        f' Request ID: {uuid.uuid4()})" (RequestToken: {uuid.uuid4()}, HandlerErrorCode:'
        f" {handler_code})",
        is_missing=is_missing,
    )
