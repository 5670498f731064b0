from dataclasses import replace
from pathlib import Path

import pytest

from emulator.control import MappingChange, MappingStore
from emulator.control.mapping_states import MappingState
from emulator.control.mappings import KIND
from emulator.model import Clock, LambdaError
from emulator.model.mapping import EventSourceMapping
from emulator.storage import Documents, StorageError

ACCOUNT, REGION = "000000000000", "us-east-1"
MAPPING = EventSourceMapping(
    uuid="11111111-1111-1111-1111-111111111111",
    account=ACCOUNT,
    region=REGION,
    source_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:q",
    function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f",
    batch_size=10,
    filters=('{"body":["x"]}',),
)
UUID = MAPPING.uuid


def state(store: MappingStore) -> MappingState:
    return store.get(ACCOUNT, REGION, UUID).state


def test_a_transition_takes_its_time_on_the_clock_and_refuses_changes_meanwhile() -> None:
    clock = Clock()
    store = MappingStore(clock, transition_s=10.0)
    clock.freeze(True)
    assert store.create(MAPPING).state is MappingState.CREATING
    with pytest.raises(LambdaError, match=r"Cannot delete .* because it is in use") as caught:
        store.delete(ACCOUNT, REGION, UUID)
    assert caught.value.code == "ResourceInUseException"
    with pytest.raises(LambdaError, match=r"Cannot update .* because it is in use") as caught:
        store.update(ACCOUNT, REGION, UUID, lambda old: old)
    assert caught.value.code == "ResourceInUseException"
    clock.advance(10)
    assert state(store) is MappingState.ENABLED
    store.update(ACCOUNT, REGION, UUID, lambda old: replace(old, is_enabled=False))
    assert state(store) is MappingState.DISABLING
    clock.advance(10)
    assert state(store) is MappingState.DISABLED
    store.update(ACCOUNT, REGION, UUID, lambda old: replace(old, batch_size=1))
    assert state(store) is MappingState.UPDATING
    clock.advance(10)
    assert state(store) is MappingState.DISABLED
    store.delete(ACCOUNT, REGION, UUID)
    assert state(store) is MappingState.DELETING
    assert store.all() == []
    clock.advance(10)
    with pytest.raises(LambdaError, match="does not exist"):
        state(store)


def test_tags_are_kept_with_their_mapping(tmp_path: Path) -> None:
    documents = Documents(tmp_path / "documents")
    store = MappingStore(Clock(), documents)
    store.create(MAPPING, {"team": "red"})
    store.change_tags(ACCOUNT, REGION, UUID, lambda tags: {**tags, "stage": "test"})
    documents.close()
    again = MappingStore(Clock(), Documents(tmp_path / "documents"))
    assert again.tags(ACCOUNT, REGION, UUID) == {"team": "red", "stage": "test"}
    ((arn, tags),) = again.tagged(ACCOUNT, REGION)
    assert (arn.split(":")[-1], len(tags)) == (UUID, 2)
    assert again.tagged(ACCOUNT, "eu-west-1") == []


def test_states_can_be_immediate() -> None:
    store = MappingStore(Clock(), immediate_states=True)
    assert store.create(MAPPING).state is MappingState.ENABLED
    disabled = store.update(ACCOUNT, REGION, UUID, lambda old: replace(old, is_enabled=False))
    assert disabled.state is MappingState.DISABLED
    assert store.delete(ACCOUNT, REGION, UUID).state is MappingState.DELETING


def test_listeners_hear_every_change() -> None:
    store = MappingStore(Clock())
    heard: list[MappingChange] = []
    store.subscribe(heard.append)
    store.create(MAPPING)
    changed = store.update(ACCOUNT, REGION, UUID, lambda old: replace(old, batch_size=1)).mapping
    store.delete(ACCOUNT, REGION, UUID)
    declared = replace(MAPPING, uuid="2" * 36)
    store.declare(declared)
    store.reset()
    assert heard == [
        MappingChange(new=MAPPING),
        MappingChange(old=MAPPING, new=changed),
        MappingChange(old=changed),
        MappingChange(new=declared),
        MappingChange(old=declared),
    ]


def test_mappings_outlive_the_process_but_not_those_of_a_project(tmp_path: Path) -> None:
    documents = Documents(tmp_path / "state.sqlite")
    store = MappingStore(Clock(), documents)
    store.create(MAPPING, {"team": "a"})
    store.declare(replace(MAPPING, uuid="2" * 36, source_arn="arn:aws:sqs:us-east-1:0:other"))
    store.create(replace(MAPPING, uuid="3" * 36, source_arn="arn:aws:sqs:us-east-1:0:third"))
    store.delete(ACCOUNT, REGION, "3" * 36)
    found = MappingStore(Clock(), documents)
    (kept,) = found.list_mappings(ACCOUNT, REGION)
    assert kept.mapping == MAPPING
    assert (kept.state, kept.tags) == (MappingState.ENABLED, {"team": "a"})
    found.reset()
    assert MappingStore(Clock(), documents).all() == []
    documents.close()


def test_a_mapping_of_another_release_is_read_and_one_that_is_none_is_told(tmp_path: Path) -> None:
    documents = Documents(tmp_path / "state.sqlite")
    MappingStore(Clock(), documents).create(MAPPING)
    ((uuid, document),) = documents.all(KIND).items()
    del document["mapping"]["bisects_batch"]  # that one had no such option
    document["mapping"]["greeting"] = "hello"  # but this
    documents.put(KIND, uuid, document)
    assert MappingStore(Clock(), documents).all() == [MAPPING]
    del document["mapping"]["source_arn"]
    documents.put(KIND, uuid, document)
    with pytest.raises(StorageError, match=rf"mapping {UUID} cannot be read.*source_arn"):
        MappingStore(Clock(), documents)
    documents.close()
