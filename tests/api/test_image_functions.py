"""Functions of container images over the API."""

from pathlib import Path
from typing import Any

import pytest

from emulator.control import CodeStore, FunctionStore
from emulator.model import Clock
from emulator.storage import DataFolder
from tests.api.function_answers import refusal
from tests.api.lab import ROLE, archive

SETTINGS = {"EntryPoint": ["/e"], "Command": ["a", "b"], "WorkingDirectory": "/w"}


def create(client: Any, **members: Any) -> Any:
    defaults = {
        "FunctionName": "hello",
        "Role": ROLE,
        "PackageType": "Image",
        "Code": {"ImageUri": "team/image:1"},
    }
    return client.create_function(**{**defaults, **members})


def test_an_image_function_has_no_runtime_and_no_handler(client: Any) -> None:
    made = create(client, ImageConfig=SETTINGS)
    assert made["PackageType"] == "Image"
    assert made["CodeSize"] == 0
    assert made["ImageConfigResponse"] == {"ImageConfig": SETTINGS}
    assert not {"Runtime", "Handler", "RuntimeVersionConfig"} & made.keys()
    code = client.get_function(FunctionName="hello")["Code"]
    assert (code["RepositoryType"], code["ImageUri"]) == ("ECR", "team/image:1")


def test_an_image_with_a_digest_has_that_for_its_hash(client: Any) -> None:
    made = create(client, Code={"ImageUri": f"team/image@sha256:{'0a' * 32}"})
    assert made["CodeSha256"] == "0a" * 32


def test_another_image_and_other_settings_take_the_place_of_the_first(client: Any) -> None:
    create(client, ImageConfig=SETTINGS)
    client.update_function_code(FunctionName="hello", ImageUri="team/image:2")
    client.update_function_configuration(FunctionName="hello", ImageConfig={"Command": ["c"]})
    shown = client.get_function(FunctionName="hello")
    assert shown["Code"]["ImageUri"] == "team/image:2"
    settings = shown["Configuration"]["ImageConfigResponse"]["ImageConfig"]
    assert settings == {"Command": ["c"]}
    client.update_function_configuration(FunctionName="hello", ImageConfig={})
    shown = client.get_function_configuration(FunctionName="hello")
    assert "ImageConfigResponse" not in shown


@pytest.mark.parametrize(
    ("members", "text"),
    [
        (
            members,
            "Please don't provide Handler or Runtime or Layer when the intended function"
            " PackageType is Image.",
        )
        for members in ({"Handler": "app.handler"}, {"Runtime": "python3.12"})
    ]
    + [({"Code": {"ZipFile": archive()}}, "Please provide a source for function code.")],
)
def test_what_an_image_brings_itself_is_refused(
    client: Any, members: dict[str, Any], text: str
) -> None:
    refused = refusal(lambda **more: create(client, **more), **members)
    assert refused == (400, "InvalidParameterValueException", text)


def test_an_image_function_stays_one(client: Any) -> None:
    create(client)
    text = "Please provide ImageUri when updating a function with packageType Image."
    assert refusal(client.update_function_code, FunctionName="hello", ZipFile=archive()) == (
        400,
        "InvalidParameterValueException",
        text,
    )


def test_an_image_function_is_kept(tmp_path: Path) -> None:
    from emulator.control import FunctionSpec
    from emulator.model import ImageConfig

    data = DataFolder(tmp_path / "data")
    code = CodeStore(data.code)
    store = FunctionStore(Clock(), code, data.documents)
    config = ImageConfig(command=("a",))
    spec = FunctionSpec(
        name="f", runtime="", handler="", role=ROLE, is_image=True, image_config=config
    )
    store.create(spec, code.from_image("team/image:1"))
    data.close()
    data = DataFolder(tmp_path / "data")
    again = FunctionStore(Clock(), CodeStore(data.code), data.documents)
    again.restore()
    (version,) = again.functions()
    assert (version.code.image, version.image_config) == ("team/image:1", config)
    data.close()
