import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.control import (
    CodeStore,
    FunctionChange,
    FunctionSpec,
    FunctionStore,
    Target,
    directory,
)
from emulator.control.alias import Alias
from emulator.control.publication import Publication
from emulator.model import Clock, CodePackage, LambdaError, function_arn

ACCOUNT, REGION = "000000000000", "us-east-1"
WHERE = Target(ACCOUNT, REGION, "hello")
SPEC = FunctionSpec(
    name="hello",
    runtime="python3.12",
    handler="app.handler",
    role=f"arn:aws:iam::{ACCOUNT}:role/r",
)


@pytest.fixture
def code(tmp_path: Path) -> CodeStore:
    return CodeStore(tmp_path / "store")


@pytest.fixture
def package(code: CodeStore, tmp_path: Path) -> CodePackage:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "app.py").write_text("code")
    return code.from_folder(folder, live=False)


@pytest.fixture
def store(code: CodeStore) -> FunctionStore:
    return FunctionStore(Clock(), code)


def resolve(store: FunctionStore, function: str = "hello", qualifier: str | None = None) -> str:
    return store.resolve(ACCOUNT, REGION, function, qualifier).version.version


def test_a_deployed_function_is_active_at_once(store: FunctionStore, package: CodePackage) -> None:
    store.deploy(SPEC, package)
    resolved = store.resolve(ACCOUNT, REGION, "hello", None)
    assert resolved.is_active
    assert resolved.version.code == package
    assert resolved.version.environment == {}


def test_a_function_is_not_active_while_it_is_pending(
    code: CodeStore, package: CodePackage
) -> None:
    clock = Clock()
    store = FunctionStore(clock, code, transition_s=60.0)
    store.create(SPEC, package)
    assert not store.resolve(ACCOUNT, REGION, "hello", None).is_active
    clock.advance(61)
    assert store.resolve(ACCOUNT, REGION, "hello", None).is_active


@pytest.mark.parametrize(
    ("function", "qualifier", "version", "suffix"),
    [
        ("hello", None, "$LATEST", ""),
        ("hello", "$LATEST", "$LATEST", ":$LATEST"),
        ("hello:1", None, "1", ":1"),
        ("hello:1", "1", "1", ":1"),
        (f"{ACCOUNT}:function:hello", None, "$LATEST", ""),
        (f"{ACCOUNT}:function:hello:1", None, "1", ":1"),
        (function_arn(ACCOUNT, REGION, "hello"), "1", "1", ":1"),
    ],
)
def test_every_form_of_a_name_resolves_and_the_arn_repeats_the_qualifier(
    store: FunctionStore,
    package: CodePackage,
    function: str,
    qualifier: str | None,
    version: str,
    suffix: str,
) -> None:
    store.create(SPEC, package, publish=Publication.NUMBERED)
    for _ in range(2):  # the second answer is remembered
        resolved = store.resolve(ACCOUNT, REGION, function, qualifier)
        assert resolved.version.version == version
        assert resolved.invoked_arn == function_arn(ACCOUNT, REGION, "hello") + suffix


@pytest.mark.parametrize(
    ("function", "qualifier", "refusal"),
    [
        ("missing", None, "ResourceNotFoundException"),
        ("hello", "7", "ResourceNotFoundException"),
        ("hello", "live", "ResourceNotFoundException"),
        ("hello", "$LATEST.PUBLISHED", "NoPublishedVersionException"),
        ("missing", "$LATEST.PUBLISHED", "ResourceNotFoundException"),
        ("hello:1", "2", "InvalidParameterValueException"),
        ("a b", None, "ValidationException"),
        ("n" * 65, None, "InvalidParameterValueException"),
        ("n" * 257, None, "ValidationException"),
        (function_arn(ACCOUNT, "eu-west-1", "hello"), None, "ResourceNotFoundException"),
        (function_arn("111111111111", REGION, "hello"), None, "AccessDeniedException"),
    ],
)
def test_names_that_do_not_resolve(
    store: FunctionStore, package: CodePackage, function: str, qualifier: str | None, refusal: str
) -> None:
    store.create(SPEC, package)
    with pytest.raises(LambdaError) as caught:
        store.resolve(ACCOUNT, REGION, function, qualifier)
    assert caught.value.code == refusal


def test_no_change_leaves_an_old_answer_behind(store: FunctionStore, package: CodePackage) -> None:
    def deployment() -> int:
        return store.resolve(ACCOUNT, REGION, "hello", None).version.deployment

    seen = []
    store.create(SPEC, package)
    seen.append(deployment())
    store.replace_configuration(WHERE, {"timeout_s": 4})
    seen.append(deployment())
    store.replace_code(WHERE, package)
    seen.append(deployment())
    store.deploy(replace(SPEC, timeout_s=5), package)
    seen.append(deployment())
    assert seen == sorted(set(seen))
    store.delete(WHERE)
    with pytest.raises(LambdaError):
        deployment()


def test_a_version_shares_no_environments_with_latest(
    store: FunctionStore, package: CodePackage
) -> None:
    store.create(SPEC, package, publish=Publication.NUMBERED)
    latest, first = store.versions(WHERE)
    assert latest.version.deployment != first.version.deployment


def test_callers_wait_while_a_function_is_held(store: FunctionStore, package: CodePackage) -> None:
    old = store.deploy(SPEC, package).version
    assert resolve(store) == "$LATEST"
    store.hold(ACCOUNT, REGION, "hello", 1.0)
    store.hold(ACCOUNT, REGION, "hello", 2.0)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(store.resolve, ACCOUNT, REGION, "hello", None)
        new = store.deploy(SPEC, package).version
        store.release(ACCOUNT, REGION, "hello", 1.0)
        assert not asked.done()
        store.release(ACCOUNT, REGION, "hello", 2.0)
        assert asked.result(5).version == new != old


def test_a_hold_does_not_concern_other_functions(
    store: FunctionStore, package: CodePackage
) -> None:
    store.deploy(SPEC, package)
    store.hold(ACCOUNT, REGION, "other", 1.0)
    assert resolve(store) == "$LATEST"


def test_who_came_before_a_change_does_not_wait_for_it(
    store: FunctionStore, package: CodePackage
) -> None:
    store.deploy(SPEC, package)
    store.hold(ACCOUNT, REGION, "hello", time.monotonic() + 60)
    assert resolve(store) == "$LATEST"


def test_looking_a_function_up_waits_for_nothing(
    store: FunctionStore, package: CodePackage
) -> None:
    store.deploy(SPEC, package)
    store.hold(ACCOUNT, REGION, "hello", 1.0)
    began = time.monotonic()
    assert store.look_up(ACCOUNT, REGION, "hello", None).version.version == "$LATEST"
    assert time.monotonic() - began < 1


def test_a_reload_keeps_settings_and_brings_no_deleted_function_back(
    store: FunctionStore, package: CodePackage
) -> None:
    store.deploy(SPEC, package)
    store.replace_configuration(WHERE, {"timeout_s": 77})
    assert store.reload(WHERE, package).spec.timeout_s == 77
    store.delete(WHERE)
    with pytest.raises(LambdaError, match="Function not found"):
        store.reload(WHERE, package)


def test_a_hold_that_is_forgotten_ends_by_itself(
    store: FunctionStore, package: CodePackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "HOLD_S", 0.01)
    store.deploy(SPEC, package)
    store.hold(ACCOUNT, REGION, "hello", 1.0)
    assert resolve(store) == "$LATEST"


def test_listeners_hear_of_every_version(store: FunctionStore, package: CodePackage) -> None:
    heard: list[FunctionChange] = []
    store.subscribe(heard.append)
    store.create(SPEC, package, publish=Publication.NUMBERED)
    store.replace_configuration(WHERE, {"timeout_s": 4})
    store.publish(WHERE)
    store.publish(WHERE)  # nothing changed
    store.replace_configuration(WHERE, {"timeout_s": 5})
    store.replace_code(WHERE, package, publish=Publication.NUMBERED)
    store.delete(replace(WHERE, qualifier="1"))
    store.delete(WHERE)
    store.deploy(SPEC, package)
    store.deploy(SPEC, package)
    store.reset()

    def name(change: FunctionChange) -> tuple[str, str, str]:
        old, new = (each.version if each else "" for each in (change.old, change.new))
        return change.kind, old, new

    assert [name(change) for change in heard] == [
        ("created", "", "$LATEST"),
        ("created", "", "1"),
        ("updated", "$LATEST", "$LATEST"),
        ("created", "", "2"),
        ("updated", "$LATEST", "$LATEST"),
        ("updated", "$LATEST", "$LATEST"),
        ("created", "", "3"),
        ("deleted", "1", ""),
        ("deleted", "$LATEST", ""),
        ("deleted", "2", ""),
        ("deleted", "3", ""),
        ("created", "", "$LATEST"),
        ("updated", "$LATEST", "$LATEST"),
        ("deleted", "$LATEST", ""),
    ]


def test_a_listener_may_ask_the_store_from_another_thread(
    store: FunctionStore, package: CodePackage
) -> None:
    answers = []

    def ask(_: FunctionChange) -> None:
        thread = threading.Thread(target=lambda: answers.append(resolve(store)))
        thread.start()
        thread.join(5)

    store.subscribe(ask)
    store.create(SPEC, package)
    assert answers == ["$LATEST"]


def test_one_of_many_creations_of_a_name_wins(store: FunctionStore, package: CodePackage) -> None:
    def create() -> bool:
        try:
            store.create(SPEC, package)
        except LambdaError as error:
            return error.code != "ResourceConflictException"
        return True

    with ThreadPoolExecutor(8) as threads:
        won = [each.result() for each in [threads.submit(create) for _ in range(8)]]
    assert sum(won) == 1


def test_reset_and_remove_leave_nothing(store: FunctionStore, package: CodePackage) -> None:
    store.deploy(SPEC, package)
    store.deploy(replace(SPEC, name="other"), package)
    store.remove(ACCOUNT, REGION, "other")
    store.remove(ACCOUNT, REGION, "other")
    assert [version.name for version in store.functions()] == ["hello"]
    assert store.code_in_use() == [package]
    store.reset()
    assert store.functions() == []
    assert store.code_in_use() == []


def test_a_project_cannot_deploy_what_lambda_refuses(
    store: FunctionStore, package: CodePackage
) -> None:
    with pytest.raises(LambdaError, match="reserved keys"):
        store.deploy(replace(SPEC, environment={"AWS_REGION": "x"}), package)
    with pytest.raises(LambdaError, match="Function not found"):
        resolve(store)


def test_calls_of_a_weighted_alias_are_chosen_one_by_one(
    code: CodeStore, package: CodePackage
) -> None:
    chances = iter([0.05, 0.5, 0.0, 0.1])
    store = FunctionStore(Clock(), code, chance=lambda: next(chances))
    store.deploy(SPEC, package)
    store.publish(WHERE)
    store.replace_configuration(WHERE, {"timeout_s": 9})
    store.publish(WHERE)
    alias = Alias(name="live", version="1", weights={"2": 0.1}, revision_id="r")
    store.change(WHERE, lambda function: function.add_alias(alias))
    found = [store.resolve(ACCOUNT, REGION, "hello", "live") for _ in range(4)]
    assert [each.version.version for each in found] == ["2", "1", "2", "1"]
    assert {each.invoked_arn for each in found} == {f"{SPEC.arn}:live"}


def test_a_version_has_the_layers_of_its_settings_whatever_changes_meanwhile(
    code: CodeStore, package: CodePackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FunctionStore(Clock(), code)
    store.create(SPEC, package)
    (tmp_path / "source" / "layer.py").write_text("")
    layer = code.from_folder(tmp_path / "source", live=False)
    freeze = code.frozen

    def overtaken(packed: CodePackage) -> CodePackage:
        monkeypatch.undo()
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:l:1"
        store.replace_configuration(WHERE, {"layers": (arn,)}, [layer])
        return freeze(packed)

    monkeypatch.setattr(code, "frozen", overtaken)
    made = store.replace_code(WHERE, package, publish=Publication.NUMBERED)
    assert len(made.spec.layers) == len(made.version.layers) == 1
