"""Records: the newest invocations and what they were about."""

from pathlib import Path

from emulator.model import CodePackage, FunctionVersion, Invocation, InvocationResult, Status
from emulator.model.invocation import KEPT_LOG_BYTES, InvocationLog
from emulator.observe import InvocationRecord, Records
from emulator.observe.records import KEPT_BYTES, KEPT_PAYLOAD_BYTES

CODE = CodePackage(folder=Path("nowhere"), sha256="", size_bytes=0)


def record(
    number: int = 0,
    function: str = "orders",
    event: bytes = b"{}",
    response: bytes = b"null",
    log: bytes = b"",
    qualifier: str = "",
) -> InvocationRecord:
    version = FunctionVersion(
        account="000000000000",
        region="us-east-1",
        name=function,
        deployment=1,
        runtime="python3.12",
        handler="app.handler",
        role="",
        code=CODE,
    )
    invocation = Invocation(
        request_id=f"id-{number}",
        payload=event,
        invoked_arn=version.arn + qualifier,
        trace_header="",
        source="s3",
        cause="photos/cat.jpg",
        attempt=2,
    )
    result = InvocationResult(
        payload=response,
        status=Status.ERROR,
        function_error="Unhandled",
        error_type="Runtime.ExitError",
        executed_version="$LATEST",
        log=InvocationLog(log),
        duration_ms=7.4,
        billed_ms=8,
        init_ms=41.0,
        max_memory_mib=30,
        environment_id="7f3a",
    )
    return InvocationRecord(
        function_version=version,
        invocation=invocation,
        result=result,
        accepted_at=1.0,
        started_at=2.0,
        finished_at=3.0,
    )


def test_a_record_tells_who_asked_and_what_came_of_it() -> None:
    told = record(7, event=b'{"a":1}', response="\u00e9".encode(), log=b"START", qualifier=":prod")
    assert (told.request_id, told.function, told.version) == ("id-7", "orders", "$LATEST")
    assert (told.qualifier, told.source, told.cause) == ("prod", "s3", "photos/cat.jpg")
    assert (told.status, told.error_type, told.attempt) == ("error", "Runtime.ExitError", 2)
    assert (told.is_cold, told.init_ms, told.duration_ms, told.billed_ms) == (True, 41.0, 7.4, 8)
    assert (told.max_memory_mib, told.environment_id) == (30, "7f3a")
    assert (told.event, told.response, told.log) == ('{"a":1}', "\u00e9", "START\n")


def test_a_record_of_an_unqualified_call_has_no_qualifier() -> None:
    assert record().qualifier is None


def test_the_newest_come_first_and_can_be_asked_for_by_function() -> None:
    records = Records()
    for number in range(6):
        records.add(record(number, function="orders" if number % 2 else "resize"))
    assert [one.request_id for one in records.newest(limit=3)] == ["id-5", "id-4", "id-3"]
    assert [one.request_id for one in records.newest("resize")] == ["id-4", "id-2", "id-0"]


def test_only_so_many_records_are_kept() -> None:
    records = Records(limit=3)
    for number in range(10):
        records.add(record(number))
    assert [one.request_id for one in records.newest()] == ["id-9", "id-8", "id-7"]


def test_a_long_payload_is_cut_and_says_so() -> None:
    records = Records()
    whole = KEPT_PAYLOAD_BYTES + 5
    records.add(record(event=b'"' + b"a" * (whole - 2) + b'"', response=b"1"))
    kept = records.newest()[0]
    assert kept.event.startswith('"aaa')
    assert kept.event.endswith(f"a… (cut: {KEPT_PAYLOAD_BYTES} of {whole} bytes)")
    assert kept.response == "1"


def test_large_records_push_the_oldest_out_before_memory_grows() -> None:
    records = Records()
    large = bytes(6 * 1024 * 1024)
    for number in range(1_000):
        records.add(record(number, event=large, response=large, log=bytes(KEPT_LOG_BYTES)))
    assert records.kept_bytes <= KEPT_BYTES
    assert len(records.newest(limit=1_000)) == KEPT_BYTES // (
        2 * KEPT_PAYLOAD_BYTES + KEPT_LOG_BYTES + len("\n")
    )


def test_a_reset_forgets_all() -> None:
    records = Records()
    old = record()
    records.add(old)
    records.reset(old.accepted_at + 1)
    records.add(old)  # it was still running
    assert (records.newest(), records.kept_bytes) == ([], 0)
