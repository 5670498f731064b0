"""What all stores of resources by ARN do, tried with capacity providers."""

from pathlib import Path

import pytest

from emulator.control.capacity_providers import KIND, CapacityProviderStore
from emulator.model import Clock, LambdaError
from emulator.storage import Documents, StorageError

ACCOUNT, REGION = "000000000000", "us-east-1"


def test_what_is_kept_is_there_again_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    documents = Documents(tmp_path / "state.sqlite")
    store = CapacityProviderStore(Clock(), documents)
    made = store.create(ACCOUNT, REGION, "p", {"KmsKeyArn": "k"}, {"team": "red"})
    assert CapacityProviderStore(Clock(), documents).of(ACCOUNT, REGION) == [made]
    document = documents.all(KIND)[made.arn]
    del document["members"]
    documents.put(KIND, made.arn, document)
    with pytest.raises(StorageError, match=rf"capacity provider {made.arn} cannot be read"):
        CapacityProviderStore(Clock(), documents)
    documents.close()


def test_each_account_and_region_has_its_own() -> None:
    store = CapacityProviderStore(Clock())
    for account, region in ((ACCOUNT, REGION), ("1" * 12, REGION), (ACCOUNT, "eu-west-1")):
        store.create(account, region, "p", {}, {})
    (found,) = store.of(ACCOUNT, "eu-west-1")
    assert store.delete(found.arn) is found
    assert store.of(ACCOUNT, "eu-west-1") == []
    assert len(store.of(ACCOUNT, REGION)) == 1
    with pytest.raises(LambdaError, match="Capacity provider not found"):
        store.get(found.arn)
