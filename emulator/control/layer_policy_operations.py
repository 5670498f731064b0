"""AddLayerVersionPermission, RemoveLayerVersionPermission and GetLayerVersionPolicy.

Source: spec/control-plane.md, Layers.
"""

from typing import Any, Final

from emulator.control.layer_operations import owned_layer
from emulator.control.layer_store import LayerStore
from emulator.control.policy import (
    ResourcePolicy,
    check_revision,
    compact,
    new_policy,
    no_policy,
    principal,
)
from emulator.control.request import Request, RequestContext, Response
from emulator.model import layer_arn

_API: Final = "GetLayerPolicy"  # sic: what errors call GetLayerVersionPolicy


class LayerPolicyOperations:
    """Operations on the resource policies of layer versions. Any thread may call."""

    def __init__(self, layers: LayerStore) -> None:
        self._layers = layers

    def add_layer_version_permission(self, context: RequestContext, request: Request) -> Response:
        """Let other accounts use a version of a layer."""
        key = owned_layer(context, request["LayerName"], "AddLayerVersionPermission")
        number = request["VersionNumber"]
        added = _statement(request, f"{layer_arn(*key)}:{number}")

        def add(policy: ResourcePolicy | None) -> ResourcePolicy:
            check_revision(policy, request.get("RevisionId"), _API)
            return (policy or new_policy()).with_statement(added)

        changed = self._layers.change_policy(key, number, add)
        revision = changed.policy.revision_id if changed.policy else ""
        return {"Statement": compact(added), "RevisionId": revision}

    def remove_layer_version_permission(
        self, context: RequestContext, request: Request
    ) -> Response:
        """Take one statement back; functions that have the layer go on with it."""
        key = owned_layer(context, request["LayerName"], "RemoveLayerVersionPermission")

        def remove(policy: ResourcePolicy | None) -> ResourcePolicy | None:
            if policy is None:
                raise no_policy()
            check_revision(policy, request.get("RevisionId"), _API)
            left = policy.without_statement(request["StatementId"])
            return left if left.statements else None

        self._layers.change_policy(key, request["VersionNumber"], remove)
        return {}

    def get_layer_version_policy(self, context: RequestContext, request: Request) -> Response:
        """The policy document of a version."""
        key = owned_layer(context, request["LayerName"], "GetLayerVersionPolicy")
        policy = self._layers.get(key, request["VersionNumber"]).policy
        if policy is None:
            raise no_policy()
        return {"Policy": policy.document(), "RevisionId": policy.revision_id}


def _statement(request: Request, resource: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": principal(request["Principal"]),
        "Action": request["Action"],
        "Resource": resource,
    }
    if organization := request.get("OrganizationId"):
        made["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": organization}}
    return made
