"""Functions as they are found, listed and deleted; the form of answers and errors."""

import io
import json
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.api.function_answers import ARN, UUID, Create, refusal
from tests.api.lab import ACCOUNT, Lab, archive


def test_the_code_of_a_function_can_be_downloaded(lab: Lab, create: Create, client: Any) -> None:
    create(Tags={"team": "blue"})
    answer = client.get_function(FunctionName="hello")
    assert answer["Tags"] == {"team": "blue"}
    assert answer["Code"]["RepositoryType"] == "S3"
    start, _, token = answer["Code"]["Location"].rpartition("/")
    assert start == f"{lab.endpoint}/_emulator/code"
    assert lab.code.archive_for(token) == archive()


def test_a_live_folder_is_zipped_when_it_is_downloaded(
    lab: Lab, create: Create, client: Any, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    create(Code={"S3Bucket": "hot-reload", "S3Key": str(source)})
    (source / "app.py").write_text("written later")
    token = client.get_function(FunctionName="hello")["Code"]["Location"].rpartition("/")[2]
    content = lab.code.archive_for(token)
    assert content is not None
    with zipfile.ZipFile(io.BytesIO(content)) as downloaded:
        assert downloaded.read("app.py") == b"written later"


def test_get_function_leaves_out_tags_when_there_are_none(create: Create, client: Any) -> None:
    create()
    assert "Tags" not in client.get_function(FunctionName="hello")


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("hello", ARN),
        (f"{ACCOUNT}:function:hello", ARN),
        (ARN, ARN),
        ("hello:$LATEST", f"{ARN}:$LATEST"),
        (f"{ARN}:$LATEST", f"{ARN}:$LATEST"),
    ],
)
def test_a_function_is_found_by_every_form_of_its_name(
    create: Create, client: Any, name: str, arn: str
) -> None:
    create()
    assert client.get_function_configuration(FunctionName=name)["FunctionArn"] == arn


def test_an_unknown_function_is_named_by_its_arn(client: Any) -> None:
    missing = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:missing"
    for call, request in (
        (client.get_function, {}),
        (client.get_function_configuration, {}),
        (client.update_function_code, {"ZipFile": archive()}),
        (client.update_function_configuration, {"Timeout": 4}),
        (client.delete_function, {}),
        (client.publish_version, {}),
        (client.list_versions_by_function, {}),
    ):
        assert refusal(call, FunctionName="missing", **request) == (
            404,
            "ResourceNotFoundException",
            f"Function not found: {missing}",
        )
    assert refusal(client.get_function, FunctionName="missing", Qualifier="7") == (
        404,
        "ResourceNotFoundException",
        f"Function not found: {missing}:7",
    )


def test_qualifiers_that_differ_are_refused(create: Create, client: Any) -> None:
    create()
    assert refusal(client.get_function, FunctionName="hello:1", Qualifier="2") == (
        400,
        "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
    )


def test_functions_of_another_region_are_out_of_reach(create: Create, client: Any) -> None:
    create()
    arn = ARN.replace("us-east-1", "us-west-2")
    assert refusal(client.get_function, FunctionName=arn) == (
        404,
        "ResourceNotFoundException",
        "Functions from 'us-west-2' are not reachable in this region ('us-east-1')",
    )


def test_accounts_and_regions_do_not_see_each_others_functions(lab: Lab, create: Create) -> None:
    create()
    assert lab.client(region="eu-west-1").list_functions()["Functions"] == []
    other = lab.client(account="111111111111")
    assert other.list_functions()["Functions"] == []
    status, code, _ = refusal(other.get_function, FunctionName=ARN)
    assert (status, code) == (403, "AccessDeniedException")


def test_lists_show_functions_by_name_without_their_states(create: Create, client: Any) -> None:
    for name in ("b", "a-b", "a"):
        create(name)
    functions = client.list_functions()["Functions"]
    assert [function["FunctionName"] for function in functions] == ["a", "a-b", "b"]
    for member in ("State", "StateReason", "LastUpdateStatus", "RuntimeVersionConfig"):
        assert member not in functions[0]
    assert functions[0]["FunctionArn"].endswith(":function:a")


def test_lists_come_in_pages(create: Create, client: Any) -> None:
    names = [f"f{number:02}" for number in range(7)]
    for name in names:
        create(name)
    pages = list(client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["Functions"]) for page in pages] == [3, 3, 1]
    assert [f["FunctionName"] for page in pages for f in page["Functions"]] == names
    assert "NextMarker" not in pages[-1]
    assert refusal(client.list_functions, Marker="§")[1] == "InvalidParameterValueException"


def test_a_list_of_all_versions_has_qualified_arns(create: Create, client: Any) -> None:
    create("a", Publish=True)
    create("b")
    arns = [f["FunctionArn"] for f in client.list_functions(FunctionVersion="ALL")["Functions"]]
    assert [arn.split(":function:")[1] for arn in arns] == ["a:$LATEST", "a:1", "b:$LATEST"]


def test_no_function_is_replicated_from_another_region(create: Create, client: Any) -> None:
    create()
    listed = client.list_functions(MasterRegion="us-east-1", FunctionVersion="ALL")
    assert listed["Functions"] == []


def test_delete_answers_204_and_forgets_the_function(lab: Lab, create: Create, client: Any) -> None:
    create(Publish=True)
    status, headers, body = lab.http("DELETE", "/2015-03-31/functions/hello")
    assert (status, body) == (204, b"")
    assert headers["Content-Type"] is None
    assert refusal(client.get_function, FunctionName="hello")[0] == 404
    assert refusal(client.get_function, FunctionName="hello:1")[0] == 404


def test_delete_removes_one_version_by_its_qualifier(create: Create, client: Any) -> None:
    create(Publish=True)
    answer = client.delete_function(FunctionName="hello", Qualifier="1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(client.get_function, FunctionName="hello:1")[0] == 404
    client.delete_function(FunctionName="hello", Qualifier="7")  # never was
    assert refusal(client.delete_function, FunctionName="hello", Qualifier="$LATEST") == (
        400,
        "InvalidParameterValueException",
        "$LATEST version cannot be deleted without deleting the function.",
    )
    assert refusal(client.delete_function, FunctionName="hello", Qualifier="live")[0] == 400
    client.get_function(FunctionName="hello")


def test_every_answer_has_only_members_of_the_model(create: Create, client: Any) -> None:
    create(Publish=True, Environment={"Variables": {"KEY": "v"}}, Tags={"k": "v"})
    raw: list[Any] = []
    client.meta.events.register(
        "before-parse.lambda", lambda response_dict, **_: raw.append(response_dict["body"])
    )
    model = client.meta.service_model
    client.get_function(FunctionName="hello")
    body = json.loads(raw[-1])
    assert set(body) <= set(model.operation_model("GetFunction").output_shape.members)
    members = set(model.shape_for("FunctionConfiguration").members)
    assert set(body["Configuration"]) <= members
    client.list_functions()
    assert set(json.loads(raw[-1])["Functions"][0]) <= members


def test_errors_carry_code_type_and_request_id(lab: Lab) -> None:
    status, headers, body = lab.http("GET", "/2015-03-31/functions/missing")
    assert status == 404
    assert headers["x-amzn-ErrorType"] == "ResourceNotFoundException"
    assert headers["Content-Type"] == "application/json"
    assert UUID.fullmatch(headers["x-amzn-RequestId"])
    assert json.loads(body) == {
        "Type": "User",
        "Message": f"Function not found: arn:aws:lambda:us-east-1:{ACCOUNT}:function:missing",
    }


def test_the_download_address_names_the_host_that_was_asked(lab: Lab, create: Create) -> None:
    create()
    request = urllib.request.Request(
        lab.endpoint + "/2015-03-31/functions/hello", headers={"Host": "localhost:4566"}
    )
    with urllib.request.urlopen(request) as answer:
        location = json.load(answer)["Code"]["Location"]
    assert location.startswith("http://localhost:4566/_emulator/code/")
