"""FunctionUrlConfig: Create, Get, Update, Delete, List."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from emulator.control import CodeStore, FunctionStore, Target
from emulator.model import Clock
from emulator.storage import Documents
from tests.api.lab import ACCOUNT, Lab, archive
from tests.api.test_policy_operations import refusal

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
CORS = {
    "AllowCredentials": False,
    "AllowHeaders": ["x-a", "x-b"],
    "AllowMethods": ["GET", "*"],
    "AllowOrigins": ["https://example.com"],
    "ExposeHeaders": ["x-c"],
    "MaxAge": 0,
}
NO_RESOURCE = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
NO_FUNCTION = (404, "ResourceNotFoundException", "Function does not exist")

Create = Callable[..., Any]


@pytest.fixture(autouse=True)
def function(create: Create) -> None:
    create(Publish=True)


def shown(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_create_answers_what_was_given_and_where_the_url_is(client: Any, lab: Lab) -> None:
    made = client.create_function_url_config(FunctionName="hello", AuthType="NONE")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert shown(made).keys() == {"FunctionUrl", "FunctionArn", "AuthType", "CreationTime"}
    assert (made["FunctionArn"], made["AuthType"]) == (ARN, "NONE")
    port = urlsplit(lab.endpoint).port
    form = rf"http://[a-z0-9]{{32}}\.lambda-url\.us-east-1\.localhost:{port}/"
    assert re.fullmatch(form, made["FunctionUrl"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", made["CreationTime"])


def test_get_shows_the_mode_and_when_it_was_modified(client: Any, lab: Lab) -> None:
    lab.clock.freeze(True)
    made = client.create_function_url_config(FunctionName="hello", AuthType="AWS_IAM", Cors=CORS)
    read = shown(client.get_function_url_config(FunctionName=ARN))
    assert read == {
        **shown(made),
        "LastModifiedTime": made["CreationTime"],
        "InvokeMode": "BUFFERED",
        "Cors": CORS,
    }
    assert client.list_function_url_configs(FunctionName="hello")["FunctionUrlConfigs"] == [read]


def test_update_replaces_what_is_given_and_keeps_the_address(client: Any, lab: Lab) -> None:
    lab.clock.freeze(True)
    made = client.create_function_url_config(FunctionName="hello", AuthType="NONE", Cors=CORS)
    lab.clock.advance(1)
    updated = client.update_function_url_config(FunctionName="hello", InvokeMode="RESPONSE_STREAM")
    assert updated["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert shown(updated) == {
        **shown(made),
        "InvokeMode": "RESPONSE_STREAM",
        "Cors": CORS,
        "LastModifiedTime": updated["LastModifiedTime"],
    }
    assert updated["LastModifiedTime"] > made["CreationTime"]
    updated = client.update_function_url_config(FunctionName="hello", AuthType="AWS_IAM", Cors={})
    assert (updated["AuthType"], updated["InvokeMode"]) == ("AWS_IAM", "RESPONSE_STREAM")
    assert "Cors" not in updated
    assert shown(client.get_function_url_config(FunctionName="hello")) == shown(updated)


def test_a_function_has_one_url(client: Any) -> None:
    url = {"FunctionName": "hello", "AuthType": "NONE"}
    first = client.create_function_url_config(**url)["FunctionUrl"]
    assert refusal(client.create_function_url_config, **url) == (
        409,
        "ResourceConflictException",
        f"Failed to create function url config for [functionArn = {ARN}]. Error message: "
        " FunctionUrlConfig exists for this Lambda function",
    )
    deleted = client.delete_function_url_config(FunctionName="hello")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.create_function_url_config(**url)["FunctionUrl"] != first


def test_what_is_not_there(client: Any) -> None:
    hello, missing = {"FunctionName": "hello"}, {"FunctionName": "missing"}
    alias = {**hello, "Qualifier": "live"}
    for name in (hello, missing, alias):
        assert refusal(client.get_function_url_config, **name) == NO_RESOURCE
        assert refusal(client.delete_function_url_config, **name) == NO_RESOURCE
    assert refusal(client.update_function_url_config, **hello) == NO_RESOURCE
    assert client.list_function_url_configs(**hello)["FunctionUrlConfigs"] == []
    for name in (missing, alias):
        assert refusal(client.create_function_url_config, **name, AuthType="NONE") == NO_FUNCTION
        assert refusal(client.update_function_url_config, **name) == NO_FUNCTION
    assert refusal(client.list_function_url_configs, **missing) == NO_FUNCTION


@pytest.mark.parametrize(
    ("request_", "member"),
    [
        ({"AuthType": "OPEN"}, "authType"),
        ({"InvokeMode": "STREAM"}, "invokeMode"),
        ({"Qualifier": "1"}, "qualifier"),
        ({"Qualifier": "$LATEST"}, "qualifier"),
        ({"FunctionName": "hello:1"}, "functionName"),
        ({"FunctionName": f"{ARN}:$LATEST"}, "functionName"),
        ({"Cors": {"MaxAge": 86401}}, "cors.maxAge"),
        ({"Cors": {"AllowMethods": ["OPTIONS"]}}, "cors.allowMethods"),
        ({"Cors": {"AllowMethods": ["GET"] * 7}}, "cors.allowMethods"),
        ({"Cors": {"AllowOrigins": [""]}}, "cors.allowOrigins"),
        ({"Cors": {"AllowHeaders": ["a"] * 101}}, "cors.allowHeaders"),
        ({"Cors": {"ExposeHeaders": ["a" * 1025]}}, "cors.exposeHeaders"),
    ],
    ids=str,
)
def test_what_the_model_forbids(client: Any, request_: dict[str, Any], member: str) -> None:
    request = {"FunctionName": "hello", "AuthType": "NONE", **request_}
    for call in (client.create_function_url_config, client.update_function_url_config):
        status, code, text = refusal(call, **request)
        assert (status, code) == (400, "ValidationException")
        assert f" at '{member}' failed to satisfy constraint: " in text


def test_the_auth_type_must_be_given(client: Any) -> None:
    assert refusal(client.create_function_url_config, FunctionName="hello") == (
        400,
        "ValidationException",
        "1 validation error detected: Value null at 'authType' failed to satisfy constraint:"
        " Member must not be null",
    )


def test_a_url_leads_to_its_function_until_one_of_them_goes(client: Any, lab: Lab) -> None:
    def made() -> str:
        url = client.create_function_url_config(FunctionName="hello", AuthType="NONE")
        return str(urlsplit(url["FunctionUrl"]).hostname).partition(".")[0]

    where = Target(ACCOUNT, "us-east-1", "hello")
    url_id = made()
    route = lab.store.urls.find(url_id)
    assert route is not None
    assert (route.target, lab.store.urls.of(where)) == (where, route.url)
    client.delete_function_url_config(FunctionName="hello")
    assert (lab.store.urls.find(url_id), lab.store.urls.of(where)) == (None, None)
    url_id = made()
    client.delete_function(FunctionName="hello")
    assert lab.store.urls.find(url_id) is None


def test_a_url_outlives_the_process(lab: Lab, client: Any, tmp_path: Path) -> None:
    documents = Documents(tmp_path / "documents")
    where = Target(ACCOUNT, "us-east-1", "hello")
    code = CodeStore(tmp_path / "kept")
    store = FunctionStore(Clock(), code, documents)
    store.create(lab.store.get(where).spec, code.from_zip(archive()))
    client.create_function_url_config(FunctionName="hello", AuthType="NONE", Cors=CORS)
    url = lab.store.urls.of(where)
    assert url is not None
    store.change(where, lambda function: function.urls.update({"$LATEST": url}))
    again = FunctionStore(Clock(), code, documents)
    again.restore()
    assert again.urls.of(where) == url
    again.reset()
    assert again.urls.find(url.url_id) is None
    documents.close()


def test_an_alias_has_a_url_of_its_own_that_outlives_it(client: Any) -> None:
    alias = {"FunctionName": "hello", "Qualifier": "live"}
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    made = client.create_function_url_config(**alias, AuthType="NONE")
    assert made["FunctionArn"] == f"{ARN}:live"
    client.create_function_url_config(FunctionName="hello", AuthType="AWS_IAM")
    assert client.get_function_url_config(FunctionName="hello:live")["AuthType"] == "NONE"
    page = client.list_function_url_configs(FunctionName="hello", MaxItems=1)
    rest = client.list_function_url_configs(FunctionName="hello", Marker=page["NextMarker"])
    listed = page["FunctionUrlConfigs"] + rest["FunctionUrlConfigs"]
    assert [each["FunctionArn"] for each in listed] == [ARN, f"{ARN}:live"]
    client.delete_function_url_config(FunctionName="hello")
    client.delete_alias(FunctionName="hello", Name="live")
    left = client.get_function_url_config(**alias)
    assert left["FunctionUrl"] == made["FunctionUrl"]
