"""What a template names of its folder becomes what a stack takes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulator.project.local_template import LocalTemplate, localized

FUNCTION = "AWS::Serverless::Function"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("src", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "app.jar").write_bytes(b"PK")
    (tmp_path / "steps.yaml").write_text("StartAt: A\n")
    return tmp_path


def read(folder: Path, resources: Mapping[str, Any], **sections: Any) -> LocalTemplate:
    return localized({"Resources": resources, **sections}, folder, yaml.safe_load)


def properties(made: LocalTemplate, name: str = "F") -> Any:
    assert made.problems == []
    return made.document["Resources"][name]["Properties"]


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


CODE = [
    (FUNCTION, "CodeUri", ("Bucket", "Key")),
    ("AWS::Serverless::LayerVersion", "ContentUri", ("Bucket", "Key")),
    ("AWS::Lambda::Function", "Code", ("S3Bucket", "S3Key")),
    ("AWS::Lambda::LayerVersion", "Content", ("S3Bucket", "S3Key")),
]


@pytest.mark.parametrize(("kind", "key", "members"), CODE)
def test_a_folder_is_taken_live(
    folder: Path, kind: str, key: str, members: tuple[str, str]
) -> None:
    made = read(folder, {"F": resource(kind, **{key: "src/"})})
    bucket, path = members
    assert properties(made)[key] == {bucket: "hot-reload", path: str(folder / "src")}


@pytest.mark.parametrize("kind", [FUNCTION, "AWS::Lambda::Function"])
def test_a_function_without_a_name_is_called_by_its_logical_id(folder: Path, kind: str) -> None:
    key = "CodeUri" if kind == FUNCTION else "Code"
    made = read(folder, {"F": resource(kind, **{key: "src"})})
    assert properties(made)["FunctionName"] == "F"


def test_a_name_that_is_given_stays_and_is_given_once(folder: Path) -> None:
    made = read(
        folder,
        {
            "F": resource(FUNCTION, CodeUri="src", FunctionName="G"),
            "G": resource(FUNCTION, CodeUri="src"),
            "H": resource(FUNCTION, CodeUri="src", FunctionName={"Ref": "Name"}),
        },
    )
    assert properties(made, "F")["FunctionName"] == "G"
    assert "FunctionName" not in properties(made, "G")
    assert properties(made, "H")["FunctionName"] == {"Ref": "Name"}


def test_code_of_all_functions_may_stand_in_globals(folder: Path) -> None:
    made = read(
        folder,
        {"F": resource(FUNCTION), "G": resource(FUNCTION, CodeUri="other")},
        Globals={"Function": {"CodeUri": "src", "Timeout": 3}},
    )
    assert properties(made, "F")["CodeUri"]["Key"] == str(folder / "src")
    assert properties(made, "G")["CodeUri"]["Key"] == str(folder / "other")
    assert made.document["Globals"] == {"Function": {"Timeout": 3}}


def test_the_folder_itself_is_the_code_where_none_is_named(folder: Path) -> None:
    assert properties(read(folder, {"F": resource(FUNCTION)}))["CodeUri"]["Key"] == str(folder)


def test_an_archive_is_taken_and_remembered(folder: Path) -> None:
    made = read(folder, {"F": resource(FUNCTION, CodeUri="app.jar")})
    assert properties(made)["CodeUri"]["Key"] == str(folder / "app.jar")
    assert made.archives == {"F": folder / "app.jar"}


LEFT_ALONE = [
    resource(FUNCTION, CodeUri="s3://bucket/key"),
    resource(FUNCTION, CodeUri={"Bucket": "b", "Key": "k"}),
    resource(FUNCTION, InlineCode="def handler"),
    resource("AWS::Lambda::Function", Code={"ZipFile": "def handler"}),
    resource(FUNCTION, PackageType="Image", ImageUri="image"),
    resource("AWS::SQS::Queue", CodeUri="src"),
]


@pytest.mark.parametrize("given", LEFT_ALONE, ids=lambda given: str(given["Properties"]))
def test_what_names_nothing_local_is_left_alone(folder: Path, given: dict[str, Any]) -> None:
    made = properties(read(folder, {"F": given}))
    assert {**made, "FunctionName": None} == {**given["Properties"], "FunctionName": None}


def test_the_given_template_is_not_changed(folder: Path) -> None:
    given = {"F": resource(FUNCTION, CodeUri="src")}
    read(folder, given)
    assert given == {"F": resource(FUNCTION, CodeUri="src")}


INCLUDED = [
    ("AWS::Serverless::StateMachine", "DefinitionUri", "Definition"),
    ("AWS::StepFunctions::StateMachine", "DefinitionS3Location", "Definition"),
    ("AWS::Serverless::Api", "DefinitionUri", "DefinitionBody"),
    ("AWS::Serverless::HttpApi", "DefinitionUri", "DefinitionBody"),
    ("AWS::ApiGateway::RestApi", "BodyS3Location", "Body"),
]


@pytest.mark.parametrize(("kind", "key", "target"), INCLUDED)
def test_a_definition_is_read(folder: Path, kind: str, key: str, target: str) -> None:
    made = read(folder, {"F": resource(kind, **{key: "steps.yaml"})})
    assert properties(made) == {target: {"StartAt": "A"}}
    assert made.files == [folder / "steps.yaml"]


def test_a_file_is_included_where_the_transform_names_it(folder: Path) -> None:
    include = {"Name": "AWS::Include", "Parameters": {"Location": "steps.yaml"}}
    body = {"Fn::Transform": include, "Comment": "more"}
    made = read(folder, {"F": resource("AWS::Serverless::Api", DefinitionBody=body)})
    assert properties(made)["DefinitionBody"] == {"Comment": "more", "StartAt": "A"}


PROBLEMS = [
    (
        resource(FUNCTION, CodeUri="scr"),
        'F.Properties.CodeUri: no file or folder "scr" in',
    ),
    (
        resource(FUNCTION, CodeUri="steps.yaml"),
        'F.Properties.CodeUri: "steps.yaml" is neither a folder nor a .zip or .jar file',
    ),
    (
        resource("AWS::Serverless::Api", DefinitionUri="api.yaml"),
        'F.Properties.DefinitionUri: no file or folder "api.yaml"',
    ),
    (
        resource(FUNCTION, PackageType="Image"),
        "F.Properties.ImageUri: is missing",
    ),
]


@pytest.mark.parametrize(("given", "told"), PROBLEMS)
def test_a_mistake_is_told_with_its_place(folder: Path, given: dict[str, Any], told: str) -> None:
    [problem] = read(folder, {"F": given}).problems
    assert problem.line.startswith(f"Resources.{told}")


NESTED = [
    ("AWS::CloudFormation::Stack", "TemplateURL"),
    ("AWS::Serverless::Application", "Location"),
]


@pytest.mark.parametrize(("kind", "key"), NESTED)
def test_a_template_in_the_template_is_handed_over_as_an_object(
    folder: Path, kind: str, key: str
) -> None:
    (folder / "inner" / "code").mkdir(parents=True)
    (folder / "inner" / "t.yaml").write_text(
        yaml.safe_dump({"Resources": {"F": resource(FUNCTION, CodeUri="code")}})
    )
    made = read(folder, {"I": resource(kind, **{key: "inner/t.yaml"})})
    [(object_key, text)] = made.templates.items()
    address = f"https://s3.amazonaws.com/project-templates/{object_key}"
    assert properties(made, "I") == {key: address}
    assert json.loads(text)["Resources"]["F"]["Properties"] == {
        "CodeUri": {"Bucket": "hot-reload", "Key": str(folder / "inner" / "code")}
    }
    assert made.files == [folder / "inner" / "t.yaml"]


def test_mistakes_of_a_template_in_the_template_are_told_with_both_places(folder: Path) -> None:
    inner = {"F": resource(FUNCTION, CodeUri="none"), "I": resource(*NESTED[0][:1])}
    inner["I"]["Properties"] = {"TemplateURL": "./inner.yaml"}
    (folder / "inner.yaml").write_text(yaml.safe_dump({"Resources": inner}))
    given = {"I": resource("AWS::CloudFormation::Stack", TemplateURL="inner.yaml")}
    told = [problem.line for problem in read(folder, given).problems]
    start = "Resources.I.Properties.TemplateURL: "
    assert told[0].startswith(f"{start}inner.yaml: Resources.F.Properties.CodeUri: no file or")
    assert told[1] == (
        f'{start}inner.yaml: {start}"./inner.yaml" is a template that this one is part of'
    )


def test_what_sam_built_runs_where_the_source_cannot(folder: Path) -> None:
    (folder / "src" / "requirements.txt").write_text("# none\nrequests\n")
    built = folder / ".aws-sam" / "build"
    (built / "F").mkdir(parents=True)
    document = {"Resources": {"F": resource(FUNCTION, CodeUri="F")}}
    (built / "template.yaml").write_text(yaml.safe_dump(document))
    made = read(
        folder,
        {
            "F": resource(FUNCTION, CodeUri="src", Runtime="python3.12"),
            "G": resource(FUNCTION, CodeUri="src", Runtime="python3.12"),
            "H": resource(FUNCTION, CodeUri="other", Runtime="python3.12"),
        },
    )
    assert properties(made, "F")["CodeUri"]["Key"] == str(built / "F")
    assert properties(made, "G")["CodeUri"]["Key"] == str(folder / "src")
    assert [(need.logical_id, need.why, need.built) for need in made.builds] == [
        ("F", "requirements.txt", built / "F"),
        ("G", "requirements.txt", None),
    ]


def test_an_image_that_sam_built_is_taken(folder: Path) -> None:
    built = folder / ".aws-sam" / "build"
    built.mkdir(parents=True)
    document = {"Resources": {"F": resource(FUNCTION, ImageUri="f:latest")}}
    (built / "template.yaml").write_text(yaml.safe_dump(document))
    made = read(folder, {"F": resource(FUNCTION, PackageType="Image")})
    assert properties(made)["ImageUri"] == "f:latest"


@pytest.mark.parametrize("resources", [None, [], {"F": None}, {"F": {"Type": 1}}, {"F": {}}])
def test_what_is_no_template_is_left_to_the_stack(folder: Path, resources: Any) -> None:
    assert read(folder, resources).document == {"Resources": resources}
