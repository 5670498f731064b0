"""Where the APIs of a stack answer on this machine."""

from collections.abc import Callable, Mapping
from typing import Any, Final

_STAGES: Final = {  # by type: the property that names its API
    "AWS::ApiGateway::Stage": "RestApiId",
    "AWS::ApiGatewayV2::Stage": "ApiId",
}
_DEFAULT: Final = "$default"


def api_addresses(
    document: Mapping[str, Any],
    physical_ids: Mapping[str, str],
    address_of: Callable[[str, str], str],
) -> dict[str, str]:
    """Address of each stage by the logical id of its API, and of several by that and their names.

    address_of: API id, protocol -> address of an API. Templates made by SAM have all their stages.
    """
    resources = document["Resources"]
    found: dict[str, dict[str, str]] = {}
    for name, resource in resources.items():
        key = _STAGES.get(resource["Type"])
        api = resource.get("Properties", {}).get(key) if key else None
        match api:
            case {"Ref": str(api_name)} if api_name in resources and name in physical_ids:
                protocol = resources[api_name].get("Properties", {}).get("ProtocolType", "HTTP")
                stage = physical_ids[name]
                address = address_of(physical_ids[api_name], str(protocol))
                path = "" if stage == _DEFAULT else f"/{stage}"
                found.setdefault(api_name, {})[stage] = address + path
    return {
        name if len(stages) == 1 else f"{name} {stage}": address
        for name, stages in found.items()
        for stage, address in stages.items()
    }
