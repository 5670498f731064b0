"""Resource policies of functions and layer versions, and how a statement is made."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from emulator.control.violations import invalid
from emulator.model import LambdaError

POLICY_BYTES: Final = 20_480  # spec/control-plane.md section 7

_SERVICE: Final = re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|internal)")
_ACCOUNT: Final = re.compile(r"\d{12}")
_PRINCIPAL_ARN: Final = re.compile(r"arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:.+")
_CONDITIONS: Final = (  # member of AddPermission, operator, key: spec/control-plane.md section 6
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
)

Statement = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourcePolicy:
    """Statements on one layer version, function or qualifier of it, oldest first."""

    statements: tuple[Statement, ...]
    revision_id: str
    language: str = "2012-10-17"  # element Version
    name: str | None = "default"  # element Id; None: PutResourcePolicy gave none

    def document(self) -> str:
        """The policy as GetPolicy hands it out."""
        head = {"Version": self.language} | ({} if self.name is None else {"Id": self.name})
        return compact({**head, "Statement": self.statements})

    def with_statement(self, statement: Statement) -> "ResourcePolicy":
        """The policy with one more statement; raises LambdaError when it says it already."""
        sid = statement["Sid"]
        if any(existing.get("Sid") == sid for existing in self.statements):
            raise LambdaError(
                "ResourceConflictException",
                f"The statement id ({sid}) provided already exists. Please provide a new"
                " statement id, or remove the existing statement.",
            )
        changed = replace(
            self, statements=(*self.statements, statement), revision_id=str(uuid.uuid4())
        )
        changed.check_size()
        return changed

    def check_size(self) -> None:
        """Raise PolicyLengthExceededException for a policy over 20 KB."""
        if (size := len(self.document())) > POLICY_BYTES:
            raise LambdaError(
                "PolicyLengthExceededException",
                f"The final policy size ({size}) is bigger than the limit ({POLICY_BYTES}).",
            )

    def without_statement(self, sid: str) -> "ResourcePolicy":
        """The policy without statement `sid`; raises LambdaError when there is none."""
        kept = tuple(statement for statement in self.statements if statement.get("Sid") != sid)
        if len(kept) == len(self.statements):
            raise LambdaError(
                "ResourceNotFoundException", f"Statement {sid} is not found in resource policy."
            )
        return replace(self, statements=kept, revision_id=str(uuid.uuid4()))


def new_policy() -> ResourcePolicy:
    """A policy that says nothing yet."""
    return ResourcePolicy(statements=(), revision_id=str(uuid.uuid4()))


def check_revision(
    policy: ResourcePolicy | None, revision_id: str | None, api: str = "GetPolicy"
) -> None:
    """Raise PreconditionFailedException for who saw another revision; api: what shows it."""
    if revision_id is not None and (policy is None or policy.revision_id != revision_id):
        raise LambdaError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the"
            f" {api} API to retrieve the latest Revision Id",
        )


def no_policy() -> LambdaError:
    """The answer to who takes something from a policy that is not there."""
    return LambdaError(
        "ResourceNotFoundException", "No policy is associated with the given resource."
    )


def compact(document: object) -> str:
    """JSON without blanks, as Lambda writes policies."""
    return json.dumps(document, separators=(",", ":"))


def statement(request: Mapping[str, Any], resource: str) -> Statement:
    """The statement an AddPermission request asks for, on the ARN `resource`."""
    if "FunctionUrlAuthType" in request and request["Action"] != "lambda:InvokeFunctionUrl":
        raise invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    conditions: dict[str, dict[str, str]] = {}
    for member, operator, key in _CONDITIONS:
        if (value := request.get(member)) is not None:
            text = str(value).lower() if isinstance(value, bool) else value
            conditions.setdefault(operator, {})[key] = text
    made: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": principal(request["Principal"]),
        "Action": request["Action"],
        "Resource": resource,
    }
    if conditions:
        made["Condition"] = conditions
    return made


def principal(text: str) -> str | dict[str, str]:
    """The element Principal for what AddPermission calls so; raises LambdaError."""
    if text == "*":
        return text
    if _ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if _PRINCIPAL_ARN.fullmatch(text):
        return {"AWS": text}
    if _SERVICE.fullmatch(text):
        return {"Service": text}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


def access_denied(caller: str, action: str, resource: str) -> LambdaError:
    """The answer to an account that asks for what belongs to another one."""
    return LambdaError(
        "AccessDeniedException",
        f"User: arn:aws:iam::{caller}:root is not authorized to perform: {action} on resource:"
        f" {resource} because no resource-based policy allows the {action} action",
    )
