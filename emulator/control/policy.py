"""Resource policies of functions: how a statement is made, and what it allows."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from emulator.control.violations import invalid
from emulator.model import LambdaError
from emulator.model.wildcard import wildcard, wildcard_regex

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
    """Statements on one function or one of its qualifiers, oldest first."""

    statements: tuple[Statement, ...]
    revision_id: str

    def document(self) -> str:
        """The policy as GetPolicy hands it out."""
        return compact({"Version": "2012-10-17", "Id": "default", "Statement": self.statements})

    def with_statement(self, statement: Statement) -> "ResourcePolicy":
        """The policy with one more statement; raises LambdaError when it says it already."""
        sid = statement["Sid"]
        if any(existing["Sid"] == sid for existing in self.statements):
            raise LambdaError(
                "ResourceConflictException",
                f"The statement id ({sid}) provided already exists. Please provide a new"
                " statement id, or remove the existing statement.",
            )
        changed = replace(
            self, statements=(*self.statements, statement), revision_id=str(uuid.uuid4())
        )
        if (size := len(changed.document())) > POLICY_BYTES:
            raise LambdaError(
                "PolicyLengthExceededException",
                f"The final policy size ({size}) is bigger than the limit ({POLICY_BYTES}).",
            )
        return changed

    def without_statement(self, sid: str) -> "ResourcePolicy":
        """The policy without statement `sid`; raises LambdaError when there is none."""
        kept = tuple(statement for statement in self.statements if statement["Sid"] != sid)
        if len(kept) == len(self.statements):
            raise LambdaError(
                "ResourceNotFoundException", f"Statement {sid} is not found in resource policy."
            )
        return replace(self, statements=kept, revision_id=str(uuid.uuid4()))


def new_policy() -> ResourcePolicy:
    """A policy that says nothing yet."""
    return ResourcePolicy(statements=(), revision_id=str(uuid.uuid4()))


def compact(document: object) -> str:
    """JSON without blanks, as Lambda writes policies."""
    return json.dumps(document, separators=(",", ":"))


def statement(request: Mapping[str, Any], resource: str) -> Statement:
    """The statement an AddPermission request asks for, on the ARN `resource`."""
    conditions: dict[str, dict[str, str]] = {}
    for member, operator, key in _CONDITIONS:
        if (value := request.get(member)) is not None:
            text = str(value).lower() if isinstance(value, bool) else value
            conditions.setdefault(operator, {})[key] = text
    made: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(request["Principal"]),
        "Action": request["Action"],
        "Resource": resource,
    }
    if conditions:
        made["Condition"] = conditions
    return made


def _principal(text: str) -> str | dict[str, str]:
    if text == "*":
        return text
    if _ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if _PRINCIPAL_ARN.fullmatch(text):
        return {"AWS": text}
    if _SERVICE.fullmatch(text):
        return {"Service": text}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


def allows_service(
    policy: ResourcePolicy, service: str, source_arn: str | None, source_account: str | None
) -> bool:
    """Whether a statement lets `service` invoke the function on behalf of that source."""
    context = {"AWS:SourceArn": source_arn, "AWS:SourceAccount": source_account}
    return any(
        made["Principal"] in ("*", {"Service": service})
        and _covers(made, "lambda:InvokeFunction")
        and _conditions_hold(made, context)
        for made in policy.statements
    )


def allows_account(policy: ResourcePolicy, account: str, action: str) -> bool:
    """Whether a statement lets another account do `action` (`lambda:GetFunction`)."""
    return any(
        (made["Principal"] == "*" or f"::{account}:" in made["Principal"].get("AWS", ""))
        and _covers(made, action)
        and _conditions_hold(made, {"AWS:SourceAccount": account})
        for made in policy.statements
    )


def access_denied(caller: str, action: str, resource: str) -> LambdaError:
    """The answer to an account that asks for what belongs to another one."""
    return LambdaError(
        "AccessDeniedException",
        f"User: arn:aws:iam::{caller}:root is not authorized to perform: {action} on resource:"
        f" {resource} because no resource-based policy allows the {action} action",
    )


def _covers(made: Statement, action: str) -> bool:
    return made["Action"] in ("*", "lambda:*", action)


def _conditions_hold(made: Statement, context: Mapping[str, str | None]) -> bool:
    return all(
        _matches(operator, wanted, context.get(key))
        for operator, keys in made.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _matches(operator: str, wanted: str, actual: str | None) -> bool:
    if actual is None:
        return False  # the key is not part of this request
    if operator != "ArnLike":
        return wanted == actual
    parts = wanted.split(":", 5), actual.split(":", 5)
    return len(parts[0]) == len(parts[1]) and all(map(_like, *parts))


def _like(pattern: str, text: str) -> bool:
    """Compare one part of an ARN; `*` stands for any characters, `?` for one."""
    return wildcard_regex(wildcard(pattern)).fullmatch(text) is not None
