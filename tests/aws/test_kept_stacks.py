from pathlib import Path

import pytest

from emulator.aws.kept_stacks import KeptResource, KeptStacks, StackName
from emulator.storage import Documents

OWNER = StackName(account="000000000000", region="us-east-1", name="s")
ELSEWHERE = StackName(account="000000000000", region="eu-west-1", name="s")


def resource(logical_id: str, kind: str = "AWS::Lambda::Function") -> KeptResource:
    return KeptResource(
        logical_id=logical_id, type=kind, physical_id=logical_id.lower(), address={"Name": "n"}
    )


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(tmp_path / "documents.sqlite")


def test_what_stacks_made_is_known_to_the_next_process_newest_first(documents: Documents) -> None:
    first = KeptStacks(documents)
    for each in ("Z", "B", "A"):
        first.keep(OWNER, resource(each))
    first.keep(ELSEWHERE, resource("Other"))
    first.keep(OWNER, resource("Queue", "AWS::SQS::Queue"))  # gone with the process
    first.drop(OWNER, resource("B"))
    assert first.left_by(OWNER) == []  # its stack is there
    second = KeptStacks(documents)
    second.keep(OWNER, resource("New"))
    assert second.left_by(OWNER) == [resource("A"), resource("Z")]
    assert second.left_by(ELSEWHERE) == [resource("Other")]
    assert [each.logical_id for each in KeptStacks(documents).left_by(OWNER)] == ["New", "A", "Z"]


def test_what_was_dropped_or_reset_is_left_by_nobody(documents: Documents) -> None:
    KeptStacks(documents).keep(OWNER, resource("A"))
    KeptStacks(documents).keep(ELSEWHERE, resource("A"))
    kept = KeptStacks(documents)
    kept.drop(OWNER, resource("A"))
    assert kept.left_by(OWNER) == KeptStacks(documents).left_by(OWNER) == []
    kept.reset()
    assert kept.left_by(ELSEWHERE) == []
