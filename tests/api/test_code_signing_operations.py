"""Code signing configurations, the functions that have them, and unsigned code."""

import io
import re
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.control import CodeSigningStore
from emulator.model import Clock
from emulator.model.code_signature import SIGNATURE_FILE, CodeSignature, sign_archive
from emulator.storage import Documents
from tests.api.lab import ACCOUNT, Lab, archive
from tests.api.test_layer_operations import LAYER, ZIP, publish, refused, without_metadata

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
PROFILE = f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/mine/0123456789"
JOB = f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-jobs/1"
UNKNOWN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:code-signing-config:csc-0123456789abcdef0"

Create = Callable[..., Any]


def untrusted(function: str) -> tuple[int, str, str]:
    return (
        400,
        "CodeVerificationFailedException",
        "Lambda cannot deploy the function. The function or layer might be signed using a"
        " signature that the client is not configured to accept. Check the provided signature for"
        f" {function}.",
    )


def make(client: Any, policy: str | None = None, **members: Any) -> Any:
    policies = {} if policy is None else {"UntrustedArtifactOnDeployment": policy}
    return client.create_code_signing_config(
        **{
            "AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]},
            "CodeSigningPolicies": policies,
            **members,
        }
    )["CodeSigningConfig"]


def arn_of(client: Any, policy: str | None = None) -> str:
    arn: str = make(client, policy)["CodeSigningConfigArn"]
    return arn


def test_a_configuration_is_made_read_changed_and_deleted(client: Any) -> None:
    made = make(client, Description="ours", Tags={"team": "red"})
    arn = made["CodeSigningConfigArn"]
    assert re.fullmatch(r"csc-[a-z0-9]{17}", made["CodeSigningConfigId"])
    assert arn.endswith(f":code-signing-config:{made['CodeSigningConfigId']}")
    assert made["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    assert made["Description"] == "ours"
    assert made["LastModified"].endswith("+0000")
    assert client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"] == made
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "red"}
    policies = {"UntrustedArtifactOnDeployment": "Enforce"}
    changed = client.update_code_signing_config(
        CodeSigningConfigArn=arn, CodeSigningPolicies=policies
    )["CodeSigningConfig"]
    assert changed["CodeSigningPolicies"] == policies
    assert (changed["Description"], changed["AllowedPublishers"]) == (
        "ours",
        {"SigningProfileVersionArns": [PROFILE]},
    )
    answer = client.delete_code_signing_config(CodeSigningConfigArn=arn)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.list_code_signing_configs()["CodeSigningConfigs"] == []


def test_what_is_not_there_is_not_found(create: Create, client: Any) -> None:
    create()
    for call in (
        lambda: client.get_code_signing_config(CodeSigningConfigArn=UNKNOWN),
        lambda: client.update_code_signing_config(CodeSigningConfigArn=UNKNOWN),
        lambda: client.delete_code_signing_config(CodeSigningConfigArn=UNKNOWN),
        lambda: client.list_functions_by_code_signing_config(CodeSigningConfigArn=UNKNOWN),
        lambda: client.tag_resource(Resource=UNKNOWN, Tags={"a": "b"}),
    ):
        assert refused(call)[:2] == (404, "ResourceNotFoundException")
    not_found = (
        404,
        "CodeSigningConfigNotFoundException",
        "The code signing configuration cannot be found. Check that the provided configuration is"
        f" not deleted: {UNKNOWN}.",
    )
    for call in (
        lambda: create("other", CodeSigningConfigArn=UNKNOWN),
        lambda: client.put_function_code_signing_config(
            FunctionName="hello", CodeSigningConfigArn=UNKNOWN
        ),
    ):
        assert refused(call) == not_found


def test_lists_come_in_pages_and_belong_to_one_account(lab: Lab, client: Any) -> None:
    made = {make(client)["CodeSigningConfigArn"] for _ in range(3)}
    first = client.list_code_signing_configs(MaxItems=2)
    rest = client.list_code_signing_configs(Marker=first["NextMarker"])
    shown = first["CodeSigningConfigs"] + rest["CodeSigningConfigs"]
    assert ({each["CodeSigningConfigArn"] for each in shown}, "NextMarker" in rest) == (made, False)
    other = lab.client(account="111111111111")
    assert other.list_code_signing_configs()["CodeSigningConfigs"] == []
    status, *_ = refused(
        lambda: other.get_code_signing_config(CodeSigningConfigArn=next(iter(made)))
    )
    assert status == 403


def test_publishers_are_versions_of_signing_profiles(client: Any) -> None:
    profile = PROFILE.rpartition("/")[0]
    status, code, text = refused(
        lambda: make(client, AllowedPublishers={"SigningProfileVersionArns": [profile]})
    )
    assert (status, code) == (400, "InvalidParameterValueException")
    assert profile in text


def test_a_function_has_one_configuration_or_none(create: Create, client: Any) -> None:
    arn = arn_of(client)
    create(CodeSigningConfigArn=arn)
    create("other")
    assert without_metadata(client.get_function_code_signing_config(FunctionName="other")) == {
        "FunctionName": "other"
    }
    answer = client.put_function_code_signing_config(FunctionName="other", CodeSigningConfigArn=arn)
    assert without_metadata(answer) == {"FunctionName": "other", "CodeSigningConfigArn": arn}
    listed = client.list_functions_by_code_signing_config
    assert listed(CodeSigningConfigArn=arn)["FunctionArns"] == [
        ARN,
        ARN.replace("hello", "other"),
    ]
    assert refused(lambda: client.delete_code_signing_config(CodeSigningConfigArn=arn))[:2] == (
        409,
        "ResourceConflictException",
    )
    for _ in range(2):  # what is not there is no error
        gone = client.delete_function_code_signing_config(FunctionName="other")
        assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    client.delete_function(FunctionName="hello")
    assert listed(CodeSigningConfigArn=arn)["FunctionArns"] == []
    client.delete_code_signing_config(CodeSigningConfigArn=arn)


@pytest.mark.parametrize("through", ["create", "change"])  # methods of the store
def test_a_configuration_that_is_deleted_meanwhile_is_on_no_function(
    through: str, lab: Lab, create: Create, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = arn_of(client)
    create("other")
    original = getattr(lab.store, through)

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        client.delete_code_signing_config(CodeSigningConfigArn=arn)
        return original(*args, **kwargs)

    monkeypatch.setattr(lab.store, through, overtaken)
    call: Callable[[], Any] = {
        "create": lambda: create(CodeSigningConfigArn=arn),
        "change": lambda: client.put_function_code_signing_config(
            FunctionName="other", CodeSigningConfigArn=arn
        ),
    }[through]
    assert refused(call)[:2] == (404, "CodeSigningConfigNotFoundException")
    assert not lab.store.exists(ARN)
    used = client.get_function_code_signing_config(FunctionName="other")
    assert "CodeSigningConfigArn" not in used


def test_no_function_gets_a_configuration_while_it_is_deleted(
    lab: Lab, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = arn_of(client)
    delete = CodeSigningStore.delete
    may_change = []

    def watched(configs: CodeSigningStore, arn: str) -> None:
        with ThreadPoolExecutor(1) as another:
            may_change.append(another.submit(lab.store._lock.acquire, False).result())
        delete(configs, arn)

    monkeypatch.setattr(CodeSigningStore, "delete", watched)
    client.delete_code_signing_config(CodeSigningConfigArn=arn)
    assert may_change == [False]


def test_versions_and_images_have_none(create: Create, client: Any) -> None:
    arn = arn_of(client)
    create(Publish=True)
    put = client.put_function_code_signing_config
    status, code, text = refused(lambda: put(FunctionName="hello:1", CodeSigningConfigArn=arn))
    assert (status, code) == (400, "InvalidParameterValueException")
    assert text.startswith("This operation is permitted on Lambda functions only.")
    image = {
        "PackageType": "Image",
        "Runtime": None,
        "Handler": None,
        "Code": {"ImageUri": "here/image:1"},
    }
    create("image", **image)
    no_image = (
        400,
        "InvalidParameterValueException",
        "Code signing is not supported for functions created with container images.",
    )
    assert refused(lambda: put(FunctionName="image", CodeSigningConfigArn=arn)) == no_image
    get = client.get_function_code_signing_config
    assert refused(lambda: get(FunctionName="image")) == no_image
    assert refused(lambda: create("second", CodeSigningConfigArn=arn, **image)) == no_image


def test_unsigned_code_is_refused_where_the_configuration_enforces(
    create: Create, client: Any
) -> None:
    arn = arn_of(client, "Enforce")
    assert refused(lambda: create(CodeSigningConfigArn=arn)) == untrusted("hello")
    assert client.list_functions()["Functions"] == []
    before = create()
    # What is deployed already stays and runs.
    client.put_function_code_signing_config(FunctionName="hello", CodeSigningConfigArn=arn)
    new_code = {"FunctionName": "hello", "ZipFile": archive(other="x = 1")}
    assert refused(lambda: client.update_function_code(**new_code)) == untrusted(ARN)
    dry_run = {**new_code, "DryRun": True}
    assert refused(lambda: client.update_function_code(**dry_run)) == untrusted(ARN)
    publish(client)
    layers = {"FunctionName": "hello", "Layers": [f"{LAYER}:1"]}
    assert refused(lambda: client.update_function_configuration(**layers)) == untrusted(ARN)
    client.update_function_configuration(FunctionName="hello", Description="still possible")
    after = client.get_function_configuration(FunctionName="hello")
    assert (after["CodeSha256"], "Layers" in after) == (before["CodeSha256"], False)
    client.delete_function_code_signing_config(FunctionName="hello")
    client.update_function_code(**new_code)


def signed(clock: Clock, content: bytes = ZIP, **changes: Any) -> bytes:
    signature = CodeSignature(
        profile_version_arn=PROFILE,
        job_arn=JOB,
        signed_at=clock.now(),
        expires_at=clock.now() + 60,
    )
    return sign_archive(content, replace(signature, **changes))


def test_code_signed_by_an_allowed_publisher_is_deployed_and_shows_it(
    lab: Lab, create: Create, client: Any
) -> None:
    code = signed(lab.clock)
    arn = arn_of(client, "Enforce")
    made = create(CodeSigningConfigArn=arn, Code={"ZipFile": code})
    assert (made["SigningProfileVersionArn"], made["SigningJobArn"]) == (PROFILE, JOB)
    layer = publish(client, content=code)
    assert layer["Content"]["SigningJobArn"] == JOB
    changed = client.update_function_configuration(FunctionName="hello", Layers=[f"{LAYER}:1"])
    (shown,) = changed["Layers"]
    assert (shown["SigningProfileVersionArn"], shown["SigningJobArn"]) == (PROFILE, JOB)
    client.update_function_code(FunctionName="hello", ZipFile=signed(lab.clock, archive(b="")))
    assert "SigningJobArn" in client.list_functions()["Functions"][0]
    client.delete_function_code_signing_config(FunctionName="hello")
    unsigned = client.update_function_code(FunctionName="hello", ZipFile=ZIP)
    assert "SigningJobArn" not in unsigned
    assert lab.told == []


UNTRUSTED: list[tuple[dict[str, Any], str]] = [
    ({"profile_version_arn": f"{PROFILE[:-1]}8"}, f"is signed by {PROFILE[:-1]}8"),
    ({"expires_at": 1.0}, "has a signature that has expired"),
    ({"job_arn": f"{JOB}-revoked"}, "has a signature that was revoked"),
]


@pytest.mark.parametrize(("changes", "problem"), UNTRUSTED)
def test_a_signature_that_does_not_hold_is_refused_or_told_of(
    lab: Lab, create: Create, client: Any, changes: dict[str, Any], problem: str
) -> None:
    lab.revoked.add(f"{JOB}-revoked")
    code = {"ZipFile": signed(lab.clock, **changes)}
    enforced, warned = arn_of(client, "Enforce"), arn_of(client, "Warn")
    assert refused(lambda: create(CodeSigningConfigArn=enforced, Code=code)) == untrusted("hello")
    assert lab.told == []
    create(CodeSigningConfigArn=warned, Code=code)
    (line,) = lab.told
    assert line.startswith(f"Code of hello {problem}")


def test_what_aws_itself_signed_is_refused_or_told_of_with_the_reason(
    lab: Lab, create: Create, client: Any
) -> None:
    buffer = io.BytesIO(archive())
    with zipfile.ZipFile(buffer, "a") as zipped:
        zipped.writestr(SIGNATURE_FILE, bytes(range(256)))  # nobody knows their form
    code = {"ZipFile": buffer.getvalue()}
    enforced, warned = arn_of(client, "Enforce"), arn_of(client, "Warn")
    status, code_name, text = refused(lambda: create(CodeSigningConfigArn=enforced, Code=code))
    assert (status, code_name) == untrusted("hello")[:2]
    assert text.startswith(untrusted("hello")[2])
    assert "AWS's own Signer" in text
    create(CodeSigningConfigArn=warned, Code=code)
    (line,) = lab.told
    assert "AWS's own Signer" in line


def test_a_signature_expires_with_time(lab: Lab, create: Create, client: Any) -> None:
    arn = arn_of(client, "Enforce")
    code = {"ZipFile": signed(lab.clock)}
    create(CodeSigningConfigArn=arn, Code=code)
    lab.clock.advance(61)
    assert refused(lambda: create("other", CodeSigningConfigArn=arn, Code=code)) == untrusted(
        "other"
    )


@pytest.mark.parametrize("policy", ["Warn", "Enforce"])
def test_code_that_was_changed_after_it_was_signed_is_always_refused(
    lab: Lab, create: Create, client: Any, policy: str
) -> None:
    buffer = io.BytesIO(signed(lab.clock))
    with zipfile.ZipFile(buffer, "a") as zipped:
        zipped.writestr("evil.py", "")
    arn, code = arn_of(client, policy), {"ZipFile": buffer.getvalue()}
    status, error, _ = refused(lambda: create(CodeSigningConfigArn=arn, Code=code))
    assert (status, error) == (400, "InvalidCodeSignatureException")


def test_unsigned_code_is_told_of_where_the_configuration_warns(
    lab: Lab, create: Create, client: Any
) -> None:
    create(CodeSigningConfigArn=arn_of(client, "Warn"))
    (line,) = lab.told
    assert line.startswith("Code of hello is not signed. csc-")


def test_configurations_are_kept(tmp_path: Path) -> None:
    documents = Documents(tmp_path / "documents")
    store = CodeSigningStore(Clock(), documents)
    made = store.create(ACCOUNT, "us-east-1", (PROFILE,), on_untrusted="Enforce")
    gone = store.create(ACCOUNT, "us-east-1", (PROFILE,))
    store.change_tags(ACCOUNT, "us-east-1", made.id, lambda tags: {**tags, "team": "red"})
    store.delete(gone.arn)
    documents.close()
    again = CodeSigningStore(Clock(), Documents(tmp_path / "documents"))
    (found,) = again.of(ACCOUNT, "us-east-1")
    assert (found.arn, found.publishers, found.on_untrusted, found.tags) == (
        made.arn,
        (PROFILE,),
        "Enforce",
        {"team": "red"},
    )
