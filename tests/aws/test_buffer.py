from emulator.aws.buffer import FactBuffer
from emulator.aws.facts import Fact, ObjectFact, Requester

WHO = Requester(account="1", principal="AWS:x", source_ip="::1", request_id="r", host_id="h")


def fact(key: str) -> ObjectFact:
    return ObjectFact(
        name="ObjectCreated:Put",
        account="1",
        region="us-east-1",
        bucket="b",
        key=key,
        at_s=0.0,
        sequencer="00",
        requester=WHO,
    )


def test_facts_of_a_request_are_kept_back() -> None:
    buffer, told = FactBuffer(), list[Fact]()
    buffer.subscribe(told.append)
    with buffer.request(WHO) as facts:
        buffer.tell(fact("a"))
        assert buffer.requester is WHO
    assert told == []
    assert facts == [fact("a")]
    assert buffer.requester is None


def test_a_fact_outside_a_request_is_delivered_at_once() -> None:
    buffer, told = FactBuffer(), list[Fact]()
    buffer.subscribe(told.append)
    buffer.tell(fact("a"))
    assert told == [fact("a")]
