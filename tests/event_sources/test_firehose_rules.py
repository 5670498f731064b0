"""How Firehose reads answers, and what it calls its objects."""

import base64
import json
from typing import Any

import pytest

from emulator.aws import FirehoseRecord, Transformation
from emulator.event_sources.firehose_rules import FAILED, MissingKey, event, prefix, read_answer

AT_S = 1795392005.0  # 2026-11-23T00:00:05Z
FIRST = FirehoseRecord(id="1", data=b"one", at_s=AT_S)
SECOND = FirehoseRecord(id="2", data=b"two", at_s=AT_S)


def transformation(**more: Any) -> Transformation:
    return Transformation(**{"function_arn": "arn", "bucket": "b"} | more)


def ok(id: str, data: str = "new", **more: Any) -> dict[str, Any]:
    encoded = base64.b64encode(data.encode()).decode()
    return {"recordId": id, "result": "Ok", "data": encoded} | more


def test_the_event_has_the_members_of_aws() -> None:
    stream_arn = "arn:aws:firehose:eu-west-1:000000000000:deliverystream/s"
    assert event(stream_arn, [FIRST], "i") == {
        "invocationId": "i",
        "deliveryStreamArn": stream_arn,
        "region": "eu-west-1",
        "records": [
            {"recordId": "1", "approximateArrivalTimestamp": int(AT_S * 1000), "data": "b25l"}
        ],
    }


@pytest.mark.parametrize(
    ("answers", "done", "failed"),
    [
        ([ok("1", "a"), ok("2", "b")], ["a", "b"], []),
        ([ok("2", "b"), ok("1", "a")], ["a", "b"], []),
        ([ok("1"), {"recordId": "2", "result": "Dropped"}], ["new"], []),
        ([ok("1"), ok("2", result="ProcessingFailed")], ["new"], ["2 Lambda.FunctionError"]),
        ([ok("1")], ["new"], ["2 Lambda.MissingRecordId"]),
        ([ok("1"), ok("1"), ok("2")], ["new"], ["1 Lambda.DuplicatedRecordId"]),
        ([ok("1"), ok("2"), ok("9")], ["new", "new"], []),
        ([ok("1"), ok("2", data="x")], ["new", "x"], []),
        ([ok("1"), ok("2") | {"data": "%"}], ["new"], ["2 Lambda.JsonProcessingException"]),
        ([ok("1"), ok("2") | {"data": None}], ["new"], ["2 Lambda.JsonProcessingException"]),
        (
            [ok("1"), ok("2", result="OK")],
            [],
            ["1 Lambda.JsonProcessingException", "2 Lambda.JsonProcessingException"],
        ),
    ],
)
def test_every_record_is_sorted_by_its_one_answer(
    answers: list[Any], done: list[str], failed: list[str]
) -> None:
    outcome = read_answer(json.dumps({"records": answers}).encode(), [FIRST, SECOND])
    assert [each.data.decode() for each in outcome.done] == done
    assert [f"{record.id} {code}" for record, code in outcome.failed] == failed


@pytest.mark.parametrize("payload", [b"null", b"{}", b'{"records":{}}', b'{"records":[1]}', b"x"])
def test_an_answer_of_another_form_fails_all_records(payload: bytes) -> None:
    outcome = read_answer(payload, [FIRST, SECOND])
    assert [code for _, code in outcome.failed] == ["Lambda.JsonProcessingException"] * 2


@pytest.mark.parametrize(
    ("settings", "error", "expected"),
    [
        ({}, None, "2026/11/23/00/"),
        ({"prefix": "in/"}, None, "in/2026/11/23/00/"),
        ({"prefix": "in"}, None, "in2026/11/23/00/"),
        ({"prefix": "d=!{timestamp:yyyy-MM-dd}/"}, None, "d=2026-11-23/"),
        ({"prefix": "!{timestamp:'y'yyyy}/!{firehose:random-string}/"}, None, "y2026/r/"),
        ({"time_zone": "America/New_York"}, None, "2026/11/22/19/"),
        ({}, FAILED, "processing-failed/2026/11/23/00/"),
        ({"prefix": "in/"}, FAILED, "in/processing-failed/2026/11/23/00/"),
        (
            {"error_prefix": "bad/!{firehose:error-output-type}/!{timestamp:yyyy}/"},
            FAILED,
            "bad/processing-failed/2026/",
        ),
        ({"prefix": "!{partitionKeyFromLambda:c}/!{timestamp:MM}/"}, None, "blue/11/"),
    ],
)
def test_folders(settings: dict[str, Any], error: str | None, expected: str) -> None:
    assert prefix(transformation(**settings), AT_S, "r", {"c": "blue"}, error) == expected


def test_a_partition_key_that_is_missing_makes_no_folder() -> None:
    with pytest.raises(MissingKey):
        prefix(transformation(prefix="!{partitionKeyFromLambda:c}/"), AT_S, "r", {})
