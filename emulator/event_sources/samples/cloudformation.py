"""Samples of what CloudFormation asks of a custom resource."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import CustomResourceRequest, custom_resource_event
from emulator.event_sources.samples import constants
from emulator.event_sources.samples.json_option import json_object

_STACK: Final = "stack/pages/8f1c3b52-6f0f-4f0e-9a53-6c1f0b7a2d11"


def _sample(request_type: str) -> Callable[..., dict[str, Any]]:
    def request(
        *,
        properties: str = '{"Bucket":"greetings","Name":"Ada"}',
        resource_type: str = "Custom::Greeting",
        function: str = "custom_resource",
        response_url: str = "http://127.0.0.1:4566/cloudformation_us-east-1/cfnresponse?token=t",
        region: str = constants.REGION,
        account: str = constants.ACCOUNT,
    ) -> dict[str, Any]:
        token = f"arn:aws:lambda:{region}:{account}:function:{function}"
        members = {"ServiceToken": token, **json_object("--properties", properties)}
        asked = CustomResourceRequest(
            request_type=request_type,
            stack_id=f"arn:aws:cloudformation:{region}:{account}:{_STACK}",
            region=region,
            resource_type=resource_type,
            logical_id="Greeting",
            properties=members,
            physical_id=None if request_type == "Create" else "greetings/Ada.html",
            old_properties=members if request_type == "Update" else None,
            request_id=constants.REQUEST_ID,
        )
        return custom_resource_event(asked, response_url)

    request.__doc__ = f"The request to {request_type.lower()} a custom resource."
    return request


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    name.lower(): _sample(name) for name in ("Create", "Update", "Delete")
}
