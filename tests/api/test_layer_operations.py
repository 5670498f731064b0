"""Layers published by API, and functions that have them."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.api.lab import ACCOUNT, Lab, archive

LAYER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:shared"
ZIP = archive(**{"python/shared": "x = 1"})

Create = Callable[..., Any]


def publish(client: Any, name: str = "shared", content: bytes = ZIP, **more: Any) -> Any:
    answer = client.publish_layer_version(LayerName=name, Content={"ZipFile": content}, **more)
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 201
    return answer


def refused(call: Callable[[], Any]) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return status, error["Code"], error["Message"]


def without_metadata(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_a_published_version_shows_what_was_given(client: Any) -> None:
    answer = publish(client)
    created = answer.pop("CreatedDate")
    assert created.endswith("+0000")
    location = answer["Content"].pop("Location")
    assert "/_emulator/code/" in location
    assert answer == {
        "Content": {
            "CodeSha256": base64.b64encode(hashlib.sha256(ZIP).digest()).decode(),
            "CodeSize": len(ZIP),
        },
        "LayerArn": LAYER,
        "LayerVersionArn": f"{LAYER}:1",
        "Description": "",
        "Version": 1,
    }
    given: dict[str, Any] = {
        "Description": "helpers",
        "CompatibleRuntimes": ["python3.13"],
        "CompatibleArchitectures": [],
        "LicenseInfo": "MIT",
    }
    second = publish(client, **given)
    assert second["Version"] == 2
    assert {name: second[name] for name in given} == given
    assert without_metadata(client.get_layer_version(LayerName="shared", VersionNumber=2)) == second
    by_arn = client.get_layer_version_by_arn(Arn=f"{LAYER}:2")
    assert without_metadata(by_arn) == second
    by_name = client.get_layer_version(LayerName=LAYER, VersionNumber=2)
    assert without_metadata(by_name) == second


def test_content_may_come_from_s3(lab: Lab, client: Any) -> None:
    lab.objects["code", "layer.zip"] = ZIP
    answer = client.publish_layer_version(
        LayerName="shared", Content={"S3Bucket": "code", "S3Key": "layer.zip"}
    )
    assert answer["Content"]["CodeSize"] == len(ZIP)


def test_lists_show_the_newest_first_and_match_runtimes(client: Any) -> None:
    publish(client, CompatibleRuntimes=["python3.13"])
    publish(client, CompatibleRuntimes=["nodejs22.x"])
    publish(client, "other")
    versions = client.list_layer_versions(LayerName="shared")["LayerVersions"]
    assert [each["Version"] for each in versions] == [2, 1]
    assert "Content" not in versions[0]
    matching = client.list_layer_versions(LayerName="shared", CompatibleRuntime="python3.13")
    assert [each["Version"] for each in matching["LayerVersions"]] == [1]
    layers = client.list_layers()["Layers"]
    assert [(each["LayerName"], each["LatestMatchingVersion"]["Version"]) for each in layers] == [
        ("other", 1),
        ("shared", 2),
    ]
    (layer,) = client.list_layers(CompatibleRuntime="python3.13")["Layers"]
    assert layer["LayerArn"] == LAYER
    assert layer["LatestMatchingVersion"]["LayerVersionArn"] == f"{LAYER}:1"


def test_long_lists_come_in_pages(client: Any) -> None:
    for _ in range(3):
        publish(client)
    first = client.list_layer_versions(LayerName="shared", MaxItems=2)
    rest = client.list_layer_versions(LayerName="shared", Marker=first["NextMarker"])
    found = [each["Version"] for each in first["LayerVersions"] + rest["LayerVersions"]]
    assert found == [3, 2, 1]
    assert "NextMarker" not in rest


def test_a_deleted_version_is_gone_and_its_number_too(client: Any) -> None:
    publish(client)
    for _ in range(2):  # what is not there is no error
        answer = client.delete_layer_version(LayerName="shared", VersionNumber=1)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.list_layer_versions(LayerName="shared")["LayerVersions"] == []
    assert client.list_layers()["Layers"] == []
    assert publish(client)["Version"] == 2


def test_unknown_layers_are_refused_or_empty(client: Any) -> None:
    missing = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
    for call in (
        lambda: client.get_layer_version(LayerName="nothing", VersionNumber=1),
        lambda: client.get_layer_version_by_arn(Arn=f"{LAYER}:7"),
    ):
        assert refused(call) == missing
    assert client.list_layer_versions(LayerName="nothing")["LayerVersions"] == []
    too_low = "Layer Version Cannot be less than 1"
    zero = {"LayerName": "shared", "VersionNumber": 0}
    assert too_low in refused(lambda: client.get_layer_version(**zero))
    assert too_low in refused(lambda: client.delete_layer_version(**zero))


def test_runtimes_that_never_were_are_refused(client: Any) -> None:
    asked = {"CompatibleRuntime": "python1.5"}
    for call, shown in (
        (lambda: publish(client, CompatibleRuntimes=["python3.13", "python1.5"]), "'[python3.13, "),
        (lambda: client.list_layers(**asked), "'python1.5' at 'compatibleRuntime' failed"),
        (lambda: client.list_layer_versions(LayerName="none", **asked), "'python1.5' at"),
    ):
        status, code, text = refused(call)
        assert (status, code) == (400, "ValidationException")
        assert text.startswith(f"1 validation error detected: Value {shown}")


def test_layers_belong_to_one_account_and_region(lab: Lab, client: Any) -> None:
    publish(client)
    assert lab.client(region="eu-west-1").list_layers()["Layers"] == []
    other = lab.client(account="111111111111")
    assert other.list_layers()["Layers"] == []
    status, *_ = refused(lambda: other.get_layer_version_by_arn(Arn=f"{LAYER}:1"))
    assert status == 403


def test_a_function_has_the_layers_it_names_in_their_order(
    lab: Lab, create: Create, client: Any
) -> None:
    publish(client)
    publish(client, "other", archive(**{"python/other": ""}))
    arns = [f"{LAYER.replace('shared', 'other')}:1", f"{LAYER}:1"]
    answer = create(Layers=arns)
    assert [each["Arn"] for each in answer["Layers"]] == arns
    assert answer["Layers"][1]["CodeSize"] == len(ZIP)
    version = lab.store.resolve(ACCOUNT, "us-east-1", "hello", None).version
    assert [(each.folder / "python").is_dir() for each in version.layers] == [True, True]
    assert (version.layers[1].folder / "python" / "shared.py").read_text() == "x = 1"
    (listed,) = client.list_functions()["Functions"]
    assert listed["Layers"] == answer["Layers"]
    preview = client.update_function_code(FunctionName="hello", ZipFile=ZIP, DryRun=True)
    assert preview["Layers"] == answer["Layers"]


def test_layers_change_with_the_configuration_and_stay_otherwise(
    lab: Lab, create: Create, client: Any
) -> None:
    publish(client)
    create(Layers=[f"{LAYER}:1"])
    client.delete_layer_version(LayerName="shared", VersionNumber=1)
    kept = client.update_function_configuration(FunctionName="hello", Timeout=9)
    assert [each["Arn"] for each in kept["Layers"]] == [f"{LAYER}:1"]
    version = client.publish_version(FunctionName="hello")
    assert version["Layers"] == kept["Layers"]
    publish(client)
    changed = client.update_function_configuration(FunctionName="hello", Layers=[f"{LAYER}:2"])
    assert [each["Arn"] for each in changed["Layers"]] == [f"{LAYER}:2"]
    assert client.publish_version(FunctionName="hello")["Version"] == "2"
    cleared = client.update_function_configuration(FunctionName="hello", Layers=[])
    assert "Layers" not in cleared
    assert lab.store.resolve(ACCOUNT, "us-east-1", "hello", None).version.layers == ()


def test_a_missing_layer_changes_nothing(create: Create, client: Any) -> None:
    create()
    assert f"Layer version {LAYER}:1 does not exist." in refused(
        lambda: client.update_function_configuration(FunctionName="hello", Layers=[f"{LAYER}:1"])
    )
    assert "Layers" not in client.get_function_configuration(FunctionName="hello")


def test_content_that_is_no_archive_is_refused(client: Any) -> None:
    assert "Could not unzip uploaded file" in str(refused(lambda: publish(client, content=b"no")))
    assert client.list_layers()["Layers"] == []
