"""Name and parameters of a project's stack."""

from pathlib import Path

import pytest

from emulator.project.config import ProjectError
from emulator.project.sam_config import read_sam_config


@pytest.mark.parametrize(
    ("folder", "name"),
    [("shop", "shop"), ("my_app.v2", "my-app-v2"), ("2go", "project-2go"), ("___", "project")],
)
def test_the_stack_is_called_as_the_folder(tmp_path: Path, folder: str, name: str) -> None:
    (tmp_path / folder).mkdir()
    config = read_sam_config(tmp_path / folder)
    assert (config.stack_name, config.parameters) == (name, {})


OVERRIDES = [
    ('"Stage=dev Name=\\"a b\\""', {"Stage": "dev", "Name": "a b"}),
    ('["Stage=dev", "Name=a b=c"]', {"Stage": "dev", "Name": "a b=c"}),
    ('{Stage = "dev", Size = 3}', {"Stage": "dev", "Size": "3"}),
    ('"ParameterKey=Stage,ParameterValue=dev"', {"Stage": "dev"}),
]


@pytest.mark.parametrize(("text", "parameters"), OVERRIDES)
def test_parameters_are_those_of_sam_deploy(
    tmp_path: Path, text: str, parameters: dict[str, str]
) -> None:
    (tmp_path / "samconfig.toml").write_text(
        '[default.global.parameters]\nstack_name = "one"\n'
        f'[default.deploy.parameters]\nstack_name = "two"\nparameter_overrides = {text}\n'
    )
    config = read_sam_config(tmp_path)
    assert (config.stack_name, config.parameters) == ("two", parameters)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[default", "samconfig.toml: cannot be read"),
        ('[default.deploy.parameters]\nparameter_overrides = "Stage"', '"Stage" is not Key=Value'),
        ("[default.deploy.parameters]\nparameter_overrides = 3", "must be a text or an array"),
        ('[default.deploy.parameters]\nparameter_overrides = "\\""', "No closing quotation"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "samconfig.toml").write_text(text)
    with pytest.raises(ProjectError, match=told):
        read_sam_config(tmp_path)
