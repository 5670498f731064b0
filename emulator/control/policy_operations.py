"""AddPermission, RemovePermission and GetPolicy."""

from collections.abc import Callable

from emulator.control.function import Function
from emulator.control.names import Target
from emulator.control.policy import ResourcePolicy, compact, new_policy, statement
from emulator.control.request import Request, RequestContext, Response, addressed
from emulator.control.store import FunctionStore
from emulator.control.violations import invalid
from emulator.model import LATEST, LambdaError


class PolicyOperations:
    """Operations on the resource policies of functions. Any thread may call."""

    def __init__(self, store: FunctionStore) -> None:
        self._store = store

    def add_permission(self, context: RequestContext, request: Request) -> Response:
        """Add one statement to the policy of a function or a qualifier."""
        where = addressed(self._store, context, request, "AddPermission")
        if where.qualifier == LATEST:
            raise invalid("We currently do not support adding policies for $LATEST.")
        self._check_exists(where)
        added = statement(request, where.arn)

        def add(policy: ResourcePolicy | None) -> ResourcePolicy:
            _check_revision(policy, request)
            return (policy or new_policy()).with_statement(added)

        self._change(where, add)
        return {"Statement": compact(added)}

    def _check_exists(self, where: Target) -> None:
        try:
            self._store.get(where)
        except LambdaError as error:
            if where.qualifier and not where.qualifier.isdecimal():
                text = f"Cannot find alias arn: {where.arn}"
                raise LambdaError("ResourceNotFoundException", text) from error
            raise

    def remove_permission(self, context: RequestContext, request: Request) -> Response:
        """Remove one statement by its id."""
        where = addressed(self._store, context, request, "RemovePermission")

        def remove(policy: ResourcePolicy | None) -> ResourcePolicy:
            if policy is None:
                raise LambdaError(
                    "ResourceNotFoundException",
                    "No policy is associated with the given resource.",
                )
            _check_revision(policy, request)
            return policy.without_statement(request["StatementId"])

        try:
            self._store.versions(where)
        except LambdaError as error:
            text = f"No policy found for: {where.arn}"
            raise LambdaError("ResourceNotFoundException", text) from error
        self._change(where, remove)
        return {}

    def get_policy(self, context: RequestContext, request: Request) -> Response:
        """The policy document of a function or a qualifier."""
        where = addressed(self._store, context, request, "GetPolicy")
        policy = self._store.read(where, lambda function: function.policies.get(where.qualifier))
        if policy is None:
            raise LambdaError(
                "ResourceNotFoundException", "The resource you requested does not exist."
            )
        return {"Policy": policy.document(), "RevisionId": policy.revision_id}

    def _change(
        self, where: Target, change: Callable[[ResourcePolicy | None], ResourcePolicy]
    ) -> None:
        def replace(function: Function) -> None:
            changed = change(function.policies.get(where.qualifier))
            if changed.statements:
                function.policies[where.qualifier] = changed
            else:
                function.policies.pop(where.qualifier, None)

        self._store.change(where, replace)


def _check_revision(policy: ResourcePolicy | None, request: Request) -> None:
    wanted = request.get("RevisionId")
    if wanted is not None and (policy is None or policy.revision_id != wanted):
        raise LambdaError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy"
            " API to retrieve the latest Revision Id",
        )
