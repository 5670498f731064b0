"""What of the Lambda API is built, as a section of docs/coverage.md.

`python -m emulator.api.coverage` rewrites the section; a test fails when it is out of date.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import botocore
from botocore.model import OperationModel, StructureShape

from emulator.api.service_model import service_model
from emulator.control import (
    CapacityProviderStore,
    CodeSigningStore,
    CodeStore,
    FunctionStore,
    LayerStore,
    MappingStore,
    OtherServices,
    Stores,
    operations,
)
from emulator.control.unsupported import UNSUPPORTED
from emulator.control.without_effect import SETTINGS
from emulator.durable import OPERATIONS as DURABLE_OPERATIONS
from emulator.model import Clock
from emulator.model.provisioned import NONE_YET

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "coverage.md"

_SECTION: Final = re.compile(r"## Lambda API\n.*?(?=\n## |\Z)", re.DOTALL)
_REMARKS: Final[Mapping[str, str]] = {
    "AddLayerVersionPermission": "no account belongs to an organization here, so `OrganizationId`"
    " lets nobody in",
    "AddPermission": "no account belongs to an organization here, so `PrincipalOrgID` lets nobody"
    " in",
    "CreateCodeSigningConfig": "what counts as signed: see Other AWS services",
    "CreateEventSourceMapping": "of SQS, Kinesis and DynamoDB Streams; Kafka, MQ and DocumentDB"
    " answer 501",
    "CreateFunction": "`S3Bucket=hot-reload` runs a folder in place",
    "Invoke": "RequestResponse, Event and DryRun",
    "InvokeWithResponseStream": "AWS's 2 MB/s after the first 6 MB are not modelled",
    "PutResourcePolicy": "`NotAction` and its like, and condition operators for dates, numbers and"
    " addresses, answer 501; resources are functions, not runtimes",
}
_IN_PART: Final = {"CreateEventSourceMapping"}  # for what its remark says
_VERSION: Final = ".".join(botocore.__version__.split(".")[:2])  # lock files move the rest
_HEAD: Final = """\
## Lambda API

Made by `python -m emulator.api.coverage`. {built} of {all} operations of the service model that
botocore {version} carries are built; the others answer 501 `NotImplemented` and name themselves. So
are members refused that cannot be honoured yet, unless their value means nothing (an empty list of
`FileSystemConfigs`). What one machine cannot do for a setting stands below the operations.

| operation | built | remarks |
|---|---|---|
"""

_SETTINGS_HEAD: Final = """
Settings that are checked, kept and shown as AWS does, and told once on the terminal when the first
function uses one, because their effect cannot be had here:

| setting | what that means |
|---|---|
"""


def section() -> str:
    """The section, as Markdown."""
    built = built_operations()
    names = service_model().operation_names
    head = _HEAD.format(built=len(built), all=len(names), version=_VERSION)
    rows = "".join(f"{_row(name, name in built)}\n" for name in sorted(names))
    return (
        head
        + rows
        + _SETTINGS_HEAD
        + "".join(f"| {member} | {effect} |\n" for member, (_, effect) in SETTINGS.items())
    )


def replaced(document: str) -> str:
    """The document with the section as it is now, at its end when it has none."""
    if _SECTION.search(document):
        return _SECTION.sub(lambda _: section(), document)
    return f"{document.rstrip()}\n\n{section()}".lstrip()


def built_operations() -> set[str]:
    """The names of all operations that do what Lambda does."""
    with tempfile.TemporaryDirectory() as folder:
        code, clock = CodeStore(Path(folder)), Clock()
        others = OtherServices(
            fetch_object=lambda *_: b"",
            describe_source=lambda _: None,
            target_exists=lambda _: False,
            find_vpc=lambda *_: "",
            tell=lambda _: None,
            provisioned_state=lambda _: NONE_YET,
            is_revoked=lambda _: False,
        )
        stores = Stores(
            functions=FunctionStore(clock, code),
            code=code,
            layers=LayerStore(code),
            mappings=MappingStore(clock),
            signing_configs=CodeSigningStore(clock),
            providers=CapacityProviderStore(clock),
        )
        made = operations(stores, others, clock)
        plain = {"Invoke", "InvokeAsync", "InvokeWithResponseStream"}
        return {*plain, *made, *DURABLE_OPERATIONS}


def _row(name: str, is_built: bool) -> str:
    if not is_built:
        return f"| {name} | no | |"
    refused = list(_refused(service_model().operation_model(name)))
    remarks = [_REMARKS[name]] if name in _REMARKS else []
    if refused:
        remarks.append(f"refused: {', '.join(f'`{member}`' for member in sorted(refused))}")
    is_partial = refused or name in _IN_PART
    return f"| {name} | {'in part' if is_partial else 'yes'} | {'; '.join(remarks)} |"


def _refused(operation: OperationModel) -> Iterator[str]:
    """Members of the input, and of the structures in it, that are refused."""
    shapes = [operation.input_shape] if operation.input_shape else []
    for shape in shapes:
        for name, member in shape.members.items():
            if name in UNSUPPORTED:
                yield name
            elif name == "Code" and isinstance(member, StructureShape):
                shapes.append(member)


if __name__ == "__main__":
    before = DOCUMENT.read_text() if DOCUMENT.exists() else "# What is emulated\n"
    DOCUMENT.write_text(replaced(before))
