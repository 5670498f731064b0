"""Whatever an account has in a region, nobody sees from another account or another region."""

import json
import re
from typing import Any

import pytest

from tests.api.in_process import InProcess
from tests.api.lab import Lab
from tests.api.minimal_requests import MINIMAL, Made
from tests.api.test_service_model_requests import refusal

# How each kind of resource is read: by a request that names it, and by one that lists its kind.
KINDS = {
    "alias": ("GetAlias", "ListAliases"),
    "capacity provider": ("GetCapacityProvider", "ListCapacityProviders"),
    "code signing config": ("GetCodeSigningConfig", "ListCodeSigningConfigs"),
    "event invoke config": ("GetFunctionEventInvokeConfig", "ListFunctionEventInvokeConfigs"),
    "event source mapping": ("GetEventSourceMapping", "ListEventSourceMappings"),
    "function": ("GetFunction", "ListFunctions"),
    "function URL": ("GetFunctionUrlConfig", "ListFunctionUrlConfigs"),
    "layer": ("GetLayerVersion", "ListLayers"),
    "layer policy": ("GetLayerVersionPolicy", "ListLayerVersions"),
    "policy": ("GetPolicy", None),
    "provisioned concurrency": (
        "GetProvisionedConcurrencyConfig",
        "ListProvisionedConcurrencyConfigs",
    ),
    "recursion config": ("GetFunctionRecursionConfig", None),
    "reserved concurrency": ("GetFunctionConcurrency", None),
    "resource policy": ("GetResourcePolicy", None),
    "runtime management": ("GetRuntimeManagementConfig", None),
    "tags": ("ListTags", None),
    "version": ("GetFunctionConfiguration", "ListVersionsByFunction"),
}


@pytest.fixture(scope="module")
def here(shared_lab: Lab) -> InProcess:
    return InProcess(shared_lab.wsgi, "")


@pytest.fixture(scope="module", params=["another account", "another region"])
def elsewhere(shared_lab: Lab, request: pytest.FixtureRequest) -> InProcess:
    region = "eu-west-1" if request.param == "another region" else "us-east-1"
    return InProcess(shared_lab.wsgi, "", region)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, here: InProcess, elsewhere: InProcess) -> str:
    """A kind of resource, and for its test accounts that nothing else uses."""
    number = 10 * list(KINDS).index(request.param) + 1_000 * (elsewhere.region != here.region)
    here.account = f"{number:012}"
    elsewhere.account = here.account if elsewhere.region != here.region else f"{number + 1:012}"
    return str(request.param)


def test_nobody_else_sees_it(
    shared_lab: Lab, here: InProcess, elsewhere: InProcess, kind: str
) -> None:
    get, listed = KINDS[kind]
    made = Made(shared_lab, here)
    request = dict(MINIMAL[get](made))
    here.call(get, request)

    refused = refusal(elsewhere, get, request)
    assert refused is not None
    assert refused[0] in (403, 404), refused
    if listed is not None:
        assert seen(elsewhere, listed, dict(MINIMAL[listed](made))) == []


def seen(api: InProcess, operation: str, request: dict[str, Any]) -> list[Any]:
    """What a list shows; nothing where it is refused, as the function it asks for is unknown."""
    if (refused := refusal(api, operation, request)) is not None:
        assert refused[0] in (403, 404), refused
        return []
    answer = api.call(operation, request)
    return [item for value in answer.values() if isinstance(value, list) for item in value]


def test_two_may_have_the_same_and_each_sees_its_own(
    shared_lab: Lab, here: InProcess, elsewhere: InProcess, kind: str
) -> None:
    get, _ = KINDS[kind]
    here.account = here.account.replace("000", "555", 1)
    elsewhere.account = elsewhere.account.replace("000", "555", 1)
    requests = {api: dict(MINIMAL[get](Made(shared_lab, api))) for api in (here, elsewhere)}
    for api, request in requests.items():
        answer = json.dumps(api.call(get, request), default=str)
        owners = set(re.findall(r"arn:aws:lambda:([a-z0-9-]+:[0-9]{12}):", answer))
        assert owners <= {f"{api.region}:{api.account}"}

    if "FunctionName" not in requests[elsewhere]:
        return
    elsewhere.call("DeleteFunction", {"FunctionName": requests[elsewhere]["FunctionName"]})
    here.call(get, requests[here])
