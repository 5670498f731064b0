"""AddPermission, RemovePermission and GetPolicy; Put-, Get- and DeleteResourcePolicy.

Both speak of the same policies: one adds and takes away statements, the other replaces the whole.
Source: spec/control-plane.md, Function policy.
"""

from collections.abc import Callable

from emulator.control.function import Function
from emulator.control.names import Target, target
from emulator.control.policy import (
    ResourcePolicy,
    check_revision,
    compact,
    new_policy,
    no_policy,
    statement,
)
from emulator.control.policy_document import read_policy
from emulator.control.request import Request, RequestContext, Response, addressed
from emulator.control.store import FunctionStore
from emulator.control.violations import invalid
from emulator.model import LATEST, LambdaError

Change = Callable[[ResourcePolicy | None], ResourcePolicy | None]


class PolicyOperations:
    """Operations on the resource policies of functions. Any thread may call."""

    def __init__(self, store: FunctionStore) -> None:
        self._store = store

    def add_permission(self, context: RequestContext, request: Request) -> Response:
        """Add one statement to the policy of a function or a qualifier."""
        where = addressed(self._store, context, request, "AddPermission")
        self._check_may_have_policy(where)
        added = statement(request, where.arn)

        def add(policy: ResourcePolicy | None) -> ResourcePolicy:
            check_revision(policy, request.get("RevisionId"))
            return (policy or new_policy()).with_statement(added)

        self._change(where, add)
        return {"Statement": compact(added)}

    def remove_permission(self, context: RequestContext, request: Request) -> Response:
        """Remove one statement by its id."""
        where = addressed(self._store, context, request, "RemovePermission")

        def remove(policy: ResourcePolicy | None) -> ResourcePolicy | None:
            if policy is None:
                raise no_policy()
            check_revision(policy, request.get("RevisionId"))
            left = policy.without_statement(request["StatementId"])
            return left if left.statements else None

        try:
            self._store.versions(where)
        except LambdaError as error:
            text = f"No policy found for: {where.arn}"
            raise LambdaError("ResourceNotFoundException", text) from error
        self._change(where, remove)
        return {}

    def get_policy(self, context: RequestContext, request: Request) -> Response:
        """The policy document of a function or a qualifier."""
        return self._answer(addressed(self._store, context, request, "GetPolicy"))

    def put_resource_policy(self, context: RequestContext, request: Request) -> Response:
        """Replace the whole policy, or give one to what had none."""
        where = self._resource(context, request, "PutResourcePolicy")
        self._check_may_have_policy(where)
        policy = read_policy(request["Policy"], where.arn)

        def put(before: ResourcePolicy | None) -> ResourcePolicy:
            check_revision(before, request.get("RevisionId"), "GetResourcePolicy")
            return policy

        self._change(where, put)
        return _shown(policy)

    def get_resource_policy(self, context: RequestContext, request: Request) -> Response:
        """The whole policy."""
        return self._answer(self._resource(context, request, "GetResourcePolicy"))

    def delete_resource_policy(self, context: RequestContext, request: Request) -> Response:
        """Take the whole policy away."""
        where = self._resource(context, request, "DeleteResourcePolicy")

        def delete(before: ResourcePolicy | None) -> None:
            if before is None:
                raise no_policy()
            check_revision(before, request.get("RevisionId"), "GetResourcePolicy")

        self._change(where, delete)
        return {}

    def _resource(self, context: RequestContext, request: Request, action: str) -> Target:
        arn = request["ResourceArn"]
        if ":function:" not in arn:
            raise _missing()  # of a runtime: there are none of anybody's own here
        where = target(context.account, context.region, arn)
        self._store.check_access(context.account, where, f"lambda:{action}")
        return where

    def _answer(self, where: Target) -> Response:
        policy = self._store.read(where, lambda function: function.policies.get(where.qualifier))
        if policy is None:
            raise _missing()
        return _shown(policy)

    def _check_may_have_policy(self, where: Target) -> None:
        if where.qualifier == LATEST:
            raise invalid("We currently do not support adding policies for $LATEST.")
        try:
            self._store.get(where)
        except LambdaError as error:
            if where.qualifier and not where.qualifier.isdecimal():
                text = f"Cannot find alias arn: {where.arn}"
                raise LambdaError("ResourceNotFoundException", text) from error
            raise

    def _change(self, where: Target, change: Change) -> None:
        def replace(function: Function) -> None:
            changed = change(function.policies.get(where.qualifier))
            if changed is None:
                function.policies.pop(where.qualifier, None)
            else:
                function.policies[where.qualifier] = changed

        self._store.change(where, replace)


def _shown(policy: ResourcePolicy) -> Response:
    return {"Policy": policy.document(), "RevisionId": policy.revision_id}


def _missing() -> LambdaError:
    return LambdaError("ResourceNotFoundException", "The resource you requested does not exist.")
