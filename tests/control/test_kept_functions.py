"""Functions that an earlier process made: all of them again, and nothing half."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.control import CodeStore, FunctionSpec, FunctionStore, Target
from emulator.control.alias import Alias
from emulator.control.archive import pack as pack_folder
from emulator.control.policy import new_policy
from emulator.control.spec import CodeObject
from emulator.control.vpc import VpcAttachment
from emulator.model import Clock, CodePackage, EventInvokeConfig
from emulator.model.code_signature import CodeSignature, sign_archive
from emulator.storage import Documents, StorageError

ACCOUNT, REGION = "000000000000", "us-east-1"
WHERE = Target(ACCOUNT, REGION, "hello")
SPEC = FunctionSpec(
    name="hello",
    runtime="python3.12",
    handler="app.handler",
    role=f"arn:aws:iam::{ACCOUNT}:role/r",
    environment={"A": "é"},
    vpc=VpcAttachment(subnet_ids=("subnet-1",), security_group_ids=("sg-1",), vpc_id="vpc-1"),
    code_object=CodeObject(bucket="b", key="k"),
    is_traced=True,
)

Open = Callable[[], FunctionStore]
Pack = Callable[[], CodePackage]


class Disk(Documents):
    """Documents on a disk that may be full."""

    is_full = False

    def put(self, *arguments: Any) -> None:  # type: ignore[explicit-override]
        self._check()
        super().put(*arguments)

    def delete(self, *arguments: Any) -> None:  # type: ignore[explicit-override]
        self._check()
        super().delete(*arguments)

    def _check(self) -> None:
        if self.is_full:
            raise StorageError("No space left on device")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "documents")
    yield disk
    disk.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_store(tmp_path: Path, disk: Disk, clock: Clock) -> Open:
    """The store as the next process has it."""

    def open_store() -> FunctionStore:
        store = FunctionStore(clock, CodeStore(tmp_path / "code"), disk, transition_s=60)
        store.restore()
        return store

    return open_store


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "app.py").write_text("first")
    return folder


@pytest.fixture
def pack(tmp_path: Path, source: Path) -> Pack:
    """Put code where the open store finds it: what is there before it opens, it sweeps away."""
    return lambda: CodeStore(tmp_path / "code").from_folder(source, live=False)


def shown(store: FunctionStore) -> list[Any]:
    """Everything that the API shows of the function; deployments are the process's own."""
    return [
        (each.spec, replace(each.version, deployment=0), each.revision_id, each.modified_at)
        for each in store.versions(WHERE)
    ]


def test_a_function_is_the_same_again(open_store: Open, pack: Pack, clock: Clock) -> None:
    store = open_store()
    store.deploy(SPEC, pack())
    store.publish(WHERE, description="one")
    store.replace_configuration(WHERE, {"timeout_s": 9})
    store.reserve_concurrency(WHERE, 7)
    allowed = {"Sid": "s", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}

    def change(function: Any) -> None:
        function.tags = {"team": "a"}
        function.policies[None] = new_policy().with_statement(allowed)
        function.policies["1"] = new_policy().with_statement(allowed)
        function.invoke_configs["1"] = EventInvokeConfig(retries=0, on_failure="arn:x")
        function.recursive_loop = "Allow"
        function.add_alias(Alias(name="live", version="1", revision_id="r"))

    store.change(WHERE, change)

    again = open_store()
    clock.advance(61)  # as long as an update takes
    assert shown(again) == shown(store)
    resolved = again.resolve(ACCOUNT, REGION, "hello", "1")
    assert resolved.is_active
    assert resolved.reserved_concurrency == resolved.account_reserved == 7
    assert resolved.may_recurse
    assert resolved.invoke_config.on_failure == "arn:x"
    assert again.resolve(ACCOUNT, REGION, "hello", "live").version == resolved.version

    def rest(function: Any) -> list[Any]:
        return [
            function.tags,
            function.aliases,
            function.policies,
            function.invoke_configs,
            function.last_number,
            function.published_spec,
        ]

    assert again.read(WHERE, rest) == store.read(WHERE, rest)
    again.reserve_concurrency(WHERE, None)
    assert again.resolve(ACCOUNT, REGION, "hello", None).account_reserved == 0


def test_a_signature_and_who_checks_it_are_kept(
    open_store: Open, tmp_path: Path, source: Path
) -> None:
    config_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-{'0' * 17}"
    signature = CodeSignature(profile_version_arn="p", job_arn="j", signed_at=1.5, expires_at=2.5)
    store = open_store()
    code = CodeStore(tmp_path / "code").from_zip(sign_archive(pack_folder(source), signature))
    store.create(SPEC, code, code_signing=lambda: config_arn)
    store = open_store()
    assert store.get(WHERE).version.code.signature == signature
    assert store.read(WHERE, lambda function: function.code_signing_arn) == config_arn


def test_what_was_deleted_stays_deleted_and_its_code_goes(
    open_store: Open, pack: Pack, tmp_path: Path
) -> None:
    store = open_store()
    store.deploy(SPEC, pack())
    store.publish(WHERE)
    store.delete(replace(WHERE, qualifier="1"))
    assert [each.version.version for each in open_store().versions(WHERE)] == ["$LATEST"]
    store.delete(WHERE)
    assert open_store().functions() == []
    assert list((tmp_path / "code").iterdir()) == []


def test_the_next_version_has_the_next_number(
    open_store: Open, pack: Pack, source: Path, tmp_path: Path
) -> None:
    store = open_store()
    store.deploy(SPEC, pack())
    store.publish(WHERE)
    again = open_store()
    assert again.publish(WHERE).version.version == "1"  # nothing has changed
    again.replace_configuration(WHERE, {"timeout_s": 9})
    third = open_store()  # what was in progress is over
    assert third.publish(WHERE).version.version == "2"


def test_a_watched_folder_is_read_anew(open_store: Open, source: Path, tmp_path: Path) -> None:
    store = open_store()
    store.deploy(SPEC, CodeStore(tmp_path / "code").from_folder(source, live=True))
    before = store.get(WHERE).version.code
    (source / "app.py").write_text("second version")
    after = open_store().get(WHERE).version.code
    assert after.is_live
    assert after.folder == before.folder
    assert after.sha256 != before.sha256


def test_a_watched_folder_that_is_gone_does_not_keep_the_emulator_from_starting(
    open_store: Open, source: Path, tmp_path: Path
) -> None:
    store = open_store()
    store.deploy(SPEC, CodeStore(tmp_path / "code").from_folder(source, live=True))
    source.rename(tmp_path / "elsewhere")
    assert open_store().get(WHERE).version.code.folder == source


def test_listeners_hear_of_what_is_brought_back(
    open_store: Open, pack: Pack, tmp_path: Path, disk: Disk
) -> None:
    store = open_store()
    store.deploy(SPEC, pack())
    store.publish(WHERE)
    again = FunctionStore(Clock(), CodeStore(tmp_path / "code"), disk)
    heard: list[str] = []
    again.subscribe(lambda change: heard.append(change.new.version if change.new else ""))
    assert again.restore() == 1
    assert heard == ["$LATEST", "1"]


def test_a_change_that_cannot_be_kept_is_not_made(open_store: Open, pack: Pack, disk: Disk) -> None:
    store = open_store()
    store.deploy(SPEC, pack())
    store.reserve_concurrency(WHERE, 7)
    before, package = shown(store), pack()
    changes: list[Callable[[], object]] = [
        lambda: store.create(replace(SPEC, name="other"), package),
        lambda: store.replace_configuration(WHERE, {"timeout_s": 9}),
        lambda: store.publish(WHERE),
        lambda: store.reserve_concurrency(WHERE, 8),
        lambda: store.delete(WHERE),
    ]
    disk.is_full = True
    for change in changes:
        with pytest.raises(StorageError, match="No space left"):
            change()
    disk.is_full = False
    assert shown(store) == shown(open_store()) == before
    assert store.resolve(ACCOUNT, REGION, "hello", None).account_reserved == 7
    assert [version.name for version in store.functions()] == ["hello"]
    for change in changes[:2]:
        change()
    assert len(open_store().functions()) == 2


def test_a_function_whose_code_is_missing_is_named(open_store: Open, pack: Pack) -> None:
    store = open_store()
    package = pack()
    store.deploy(SPEC, package)
    package.folder.rename(package.folder.with_name("gone"))
    with pytest.raises(
        StorageError, match=f"code of a function is missing: {package.folder.parent}"
    ):
        open_store()


def test_a_document_that_cannot_be_read_is_named(open_store: Open, disk: Disk) -> None:
    disk.put("function", f"{ACCOUNT}/{REGION}/hello", {"latest": {}})
    with pytest.raises(StorageError, match=f"function {ACCOUNT}/{REGION}/hello cannot be read"):
        open_store()


def test_what_a_project_declares_is_deployed_though_it_cannot_be_kept(
    open_store: Open, pack: Pack, disk: Disk
) -> None:
    store = open_store()
    disk.is_full = True
    store.deploy(SPEC, pack())
    assert [version.name for version in store.declared()] == ["hello"]
    disk.is_full = False
    assert open_store().functions() == []


def test_who_declared_a_function_is_kept(open_store: Open, pack: Pack) -> None:
    store = open_store()
    store.deploy(SPEC, pack())
    store.create(replace(SPEC, name="made"), pack())
    again = open_store()
    assert len(again.functions()) == 2
    assert [version.name for version in again.declared()] == ["hello"]
