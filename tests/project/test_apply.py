import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from emulator.control import CodeStore, FunctionChange, FunctionStore
from emulator.model import Clock
from emulator.model.resources import Resource
from emulator.model.triggers import Trigger
from emulator.model.triggers.s3 import S3Trigger
from emulator.project.apply import ProjectDeployer
from emulator.project.config import ProjectError

FUNCTION = '[functions.{0}]\ncode = "code"\nhandler = "app.handler"\nruntime = "python3.12"\n'
TRIGGER = (
    '[[functions.{0}.triggers]]\nsource = "s3"\nbucket = "photos"\n'
    'events = ["s3:ObjectCreated:*"]\n'
)
BUCKETS = '[resources]\nbuckets = ["photos"]\n'


class Deployed:
    """A project folder on a real store; what else was touched is written down in `calls`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: list[str] = []
        code = CodeStore(folder / ".packages")
        self.store = FunctionStore(Clock(), code)
        self.store.subscribe(self._changed)
        self.deployer = ProjectDeployer(
            folder,
            self.store,
            code,
            bind=lambda trigger, arn: self._bound("bind", trigger, arn),
            unbind=lambda trigger, arn: self._bound("unbind", trigger, arn),
            ensure=self._resources,
        )
        (folder / "code").mkdir()

    def _changed(self, change: FunctionChange) -> None:
        version = change.new or change.old
        assert version is not None
        self.calls.append(f"{change.kind} {version.name}")

    def _bound(self, what: str, trigger: Trigger, arn: str) -> None:
        assert isinstance(trigger, S3Trigger)
        self.calls.append(f"{what} {trigger.bucket} {arn.rpartition(':')[2]}")

    def _resources(self, resources: Sequence[Resource]) -> None:
        self.calls.extend(resource.summary for resource in resources)

    def apply(self, toml: str) -> dict[str, str]:
        """Apply `toml`; `calls` then holds what that did, and nothing older."""
        (self.folder / "emulator.toml").write_text(toml)
        self.calls.clear()
        return self.deployer.apply().fields


@pytest.fixture
def deployed(tmp_path: Path) -> Deployed:
    return Deployed(tmp_path)


def test_a_project_is_deployed_with_its_buckets_before_its_triggers(deployed: Deployed) -> None:
    told = deployed.apply(FUNCTION.format("f") + TRIGGER.format("f") + BUCKETS)
    assert deployed.calls == ["bucket photos", "created f", "bind photos f"]
    assert told == {
        "added": "f",
        "triggers_added": "s3://photos/* ObjectCreated:* -> f",
        "resources_added": "bucket photos",
    }
    (version,) = deployed.store.functions()
    assert version.code.is_live
    assert version.code.folder == deployed.folder / "code"


def test_the_same_project_again_touches_nothing(deployed: Deployed) -> None:
    toml = FUNCTION.format("f") + TRIGGER.format("f") + BUCKETS
    deployed.apply(toml)
    assert deployed.apply(f"# a comment\n{toml}") == {}
    assert deployed.calls == []


def test_only_the_function_that_changed_is_deployed_again(deployed: Deployed) -> None:
    deployed.apply(FUNCTION.format("a") + FUNCTION.format("b"))
    told = deployed.apply(FUNCTION.format("a") + FUNCTION.format("b") + "timeout_s = 9\n")
    assert deployed.calls == ["updated b"]
    assert told == {"changed": "b"}


def test_a_trigger_that_moves_leaves_the_old_function_first(deployed: Deployed) -> None:
    both = FUNCTION.format("a") + "{}" + FUNCTION.format("b") + "{}" + BUCKETS
    deployed.apply(both.format(TRIGGER.format("a"), ""))
    deployed.apply(both.format("", TRIGGER.format("b")))
    assert deployed.calls == ["unbind photos a", "bind photos b"]


def test_a_removed_function_loses_its_triggers_first_and_buckets_stay(deployed: Deployed) -> None:
    deployed.apply(FUNCTION.format("f") + TRIGGER.format("f") + BUCKETS)
    told = deployed.apply("[functions]")
    assert deployed.calls == ["unbind photos f", "deleted f"]
    assert told["removed"] == "f"


def test_a_function_deleted_over_the_api_can_be_removed_from_the_file(deployed: Deployed) -> None:
    deployed.apply(FUNCTION.format("f"))
    deployed.store.reset()
    assert deployed.apply("[functions]") == {"removed": "f"}


def test_a_mistake_in_the_file_changes_nothing(deployed: Deployed) -> None:
    deployed.apply(FUNCTION.format("f"))
    with pytest.raises(ProjectError, match=r"functions\.g\.timeout_s"):
        deployed.apply(FUNCTION.format("g") + "timeout_s = 0\n")
    assert deployed.calls == []
    assert deployed.apply(FUNCTION.format("g")) == {"added": "g", "removed": "f"}


def test_an_archive_is_unpacked_and_a_broken_one_is_named(deployed: Deployed) -> None:
    archive = deployed.folder / "code.zip"
    archive.write_bytes(b"no zip")
    toml = FUNCTION.format("f").replace('"code"', '"code.zip"')
    with pytest.raises(ProjectError, match=r"functions\.f\.code: Could not unzip"):
        deployed.apply(toml)
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", "x = 1")
    deployed.apply(toml)
    (version,) = deployed.store.functions()
    assert not version.code.is_live
    assert (version.code.folder / "app.py").read_text() == "x = 1"


def test_a_function_has_the_layers_the_file_names(deployed: Deployed) -> None:
    (deployed.deployer.project.folder / "shared").mkdir()
    layered = 'layers = ["shared"]\n'
    deployed.apply(FUNCTION.format("f") + layered)
    (version,) = deployed.store.functions()
    assert [layer.folder.name for layer in version.layers] == ["shared"]
    assert version.layers[0].is_live
    deployed.apply(FUNCTION.format("f"))
    (version,) = deployed.store.functions()
    assert version.layers == ()


def test_layers_that_unpack_to_too_much_are_refused(deployed: Deployed) -> None:
    folder = deployed.deployer.project.folder / "large"
    folder.mkdir()
    with (folder / "file").open("wb") as file:
        file.truncate(262_144_000)  # a hole: it takes no room
    with pytest.raises(ProjectError) as caught:
        deployed.apply(FUNCTION.format("f") + 'layers = ["large"]\n')
    (problem,) = caught.value.problems
    assert problem.line == (
        "functions.f.layers: Unzipped size must be smaller than 262144000 bytes"
    )


def test_after_a_reset_everything_is_deployed_again(deployed: Deployed) -> None:
    toml = FUNCTION.format("f") + TRIGGER.format("f") + BUCKETS
    deployed.apply(toml)
    deployed.store.reset()
    deployed.deployer.forget()
    deployed.apply(toml)
    assert deployed.calls == ["bucket photos", "created f", "bind photos f"]
