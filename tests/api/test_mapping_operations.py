"""CreateEventSourceMapping, Get, List, Update and Delete.

Source of every text and default: spec/event-source-mappings.md sections 1 and 2.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.model.mapping import SourceDescription
from tests.api.lab import ACCOUNT, Lab

QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
FIFO = f"{QUEUE}.fifo"
STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t/stream/2026-11-22T10:00:00.000"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"

Create = Callable[..., Any]


@pytest.fixture
def api(lab: Lab, create: Create) -> Any:
    create(Publish=True)
    lab.sources[QUEUE] = lab.sources[FIFO] = SourceDescription(visibility_timeout_s=30)
    lab.sources[STREAM] = lab.sources[TABLE] = SourceDescription()
    return lab.client()


def add(api: Any, arn: str = QUEUE, **members: Any) -> Any:
    request = {"FunctionName": "hello", "EventSourceArn": arn, **members}
    if arn in (STREAM, TABLE):
        request = {"StartingPosition": "LATEST", **request}
    return api.create_event_source_mapping(
        **{name: value for name, value in request.items() if value is not None}
    )


def refusal(call: Callable[..., Any], *arguments: Any, **request: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **request)
    response: Any = caught.value.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return status, response["Error"]["Code"], response["Error"]["Message"]


def shown(answer: Any) -> dict[str, Any]:
    """The members that are the same each time."""
    changing = ("ResponseMetadata", "UUID", "EventSourceMappingArn", "LastModified")
    return {name: value for name, value in answer.items() if name not in changing}


def test_a_queue_s_mapping_shows_its_defaults(api: Any) -> None:
    made = add(api)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert made["EventSourceMappingArn"] == (
        f"arn:aws:lambda:us-east-1:{ACCOUNT}:event-source-mapping:{made['UUID']}"
    )
    assert isinstance(made["LastModified"], datetime)
    assert shown(made) == {
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "EventSourceArn": QUEUE,
        "FunctionArn": FUNCTION,
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
        "FunctionResponseTypes": [],
    }
    found = api.get_event_source_mapping(UUID=made["UUID"])
    assert shown(found) == {**shown(made), "State": "Enabled"}


@pytest.mark.parametrize("arn", [STREAM, TABLE])
def test_a_stream_s_mapping_shows_its_defaults(api: Any, arn: str) -> None:
    assert shown(add(api, arn)) == {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "EventSourceArn": arn,
        "FunctionArn": FUNCTION,
        "State": "Creating",
        "StateTransitionReason": "User action",
        "FunctionResponseTypes": [],
        "StartingPosition": "LATEST",
        "ParallelizationFactor": 1,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "BisectBatchOnFunctionError": False,
        "TumblingWindowInSeconds": 0,
        "DestinationConfig": {"OnFailure": {}},
        "LastProcessingResult": "No records processed",
    }


SETTINGS: list[tuple[str, dict[str, Any]]] = [
    (
        QUEUE,
        {
            "BatchSize": 10_000,
            "MaximumBatchingWindowInSeconds": 300,
            "FilterCriteria": {"Filters": [{"Pattern": '{"body":{"a":["b"]}}'}]},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 2},
            "MetricsConfig": {"Metrics": ["EventCount"]},
            "KMSKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k",
        },
    ),
    (QUEUE, {"ProvisionedPollerConfig": {"MinimumPollers": 3, "MaximumPollers": 4}}),
    (
        STREAM,
        {
            "BatchSize": 5,
            "StartingPosition": "TRIM_HORIZON",
            "ParallelizationFactor": 10,
            "MaximumRecordAgeInSeconds": 60,
            "MaximumRetryAttempts": 3,
            "BisectBatchOnFunctionError": True,
            "TumblingWindowInSeconds": 900,
            "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
        },
    ),
    (
        STREAM,
        {
            "StartingPosition": "AT_TIMESTAMP",
            "StartingPositionTimestamp": datetime(2026, 11, 22, 10, tzinfo=UTC),
        },
    ),
]


@pytest.mark.parametrize(("arn", "settings"), SETTINGS)
def test_options_are_shown_as_they_were_given(api: Any, arn: str, settings: Any) -> None:
    made = add(api, arn, **settings)
    assert {**made, **settings} == made


@pytest.mark.parametrize(
    "member", ["ScalingConfig", "MetricsConfig", "FilterCriteria", "ProvisionedPollerConfig"]
)
def test_an_update_with_an_empty_option_removes_it(api: Any, member: str) -> None:
    settings = {name: value for _, given in SETTINGS[:2] for name, value in given.items()}
    made = add(api, **{member: settings[member]})
    updated = api.update_event_source_mapping(UUID=made["UUID"], **{member: {}})
    assert member not in updated
    assert member not in api.get_event_source_mapping(UUID=made["UUID"])


@pytest.mark.parametrize("empty", [{}, {"Filters": []}])
def test_empty_filters_are_none(api: Any, empty: Any) -> None:
    assert "FilterCriteria" not in add(api, FilterCriteria=empty)


def test_a_disabled_queue_s_mapping_is_disabled_at_once(api: Any) -> None:
    assert add(api, Enabled=False)["State"] == "Disabled"
    stream = add(api, STREAM, Enabled=False)
    assert stream["State"] == "Creating"
    assert api.get_event_source_mapping(UUID=stream["UUID"])["State"] == "Disabled"


def test_states_of_a_mapping_s_life(api: Any) -> None:
    uuid = add(api)["UUID"]

    def states(answer: Any) -> tuple[int, str, str]:
        after = api.get_event_source_mapping(UUID=uuid)["State"]
        return answer["ResponseMetadata"]["HTTPStatusCode"], answer["State"], after

    update = api.update_event_source_mapping
    assert states(update(UUID=uuid, BatchSize=5)) == (202, "Updating", "Enabled")
    assert states(update(UUID=uuid, Enabled=False)) == (202, "Disabling", "Disabled")
    assert states(update(UUID=uuid, Enabled=True)) == (202, "Enabling", "Enabled")
    deleted = api.delete_event_source_mapping(UUID=uuid)
    assert (deleted["ResponseMetadata"]["HTTPStatusCode"], deleted["State"]) == (202, "Deleting")
    assert deleted["BatchSize"] == 5
    for call in (api.get_event_source_mapping, api.delete_event_source_mapping, update):
        assert refusal(call, UUID=uuid) == (
            404,
            "ResourceNotFoundException",
            "The resource you requested does not exist.",
        )


def test_the_function_of_a_mapping_can_be_changed(api: Any, create: Create) -> None:
    create("other", Timeout=31)
    uuid = add(api)["UUID"]
    updated = api.update_event_source_mapping(UUID=uuid, FunctionName="hello:1")
    assert updated["FunctionArn"] == f"{FUNCTION}:1"
    assert refusal(api.update_event_source_mapping, UUID=uuid, FunctionName="other") == (
        400,
        "InvalidParameterValueException",
        "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds",
    )
    assert refusal(api.update_event_source_mapping, UUID=uuid, FunctionName="none")[1:] == (
        "InvalidParameterValueException",
        "Function does not exist",
    )


def test_a_mapping_outlives_its_function(api: Any) -> None:
    uuid = add(api)["UUID"]
    api.delete_function(FunctionName="hello")
    assert api.get_event_source_mapping(UUID=uuid)["State"] == "Enabled"
    assert api.update_event_source_mapping(UUID=uuid, BatchSize=1)["BatchSize"] == 1


UNSUPPORTED = "Unsupported {} parameter for given event source mapping type."
WINDOW = (
    "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater"
    " than 10"
)
NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."
    " SQS Error Message: The specified queue does not exist."
)
FILTER = "Invalid filter pattern definition."
NO_POSITION = (
    "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint:"
    " Member must not be null."
)


@pytest.mark.parametrize(
    ("arn", "members", "text"),
    [
        (QUEUE, {"FunctionName": "nobody"}, "Function does not exist"),
        (QUEUE, {"FunctionName": "hello:7"}, "Function does not exist"),
        (f"{QUEUE}2", {}, NO_QUEUE),
        (f"{STREAM}2", {"StartingPosition": "LATEST"}, f"Stream not found: {STREAM}2"),
        (f"arn:aws:sns:us-east-1:{ACCOUNT}:t", {}, "Unrecognized event source."),
        (f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t", {}, "Unrecognized event source."),
        (None, {}, "Unrecognized event source."),
        (STREAM, {"StartingPosition": None}, NO_POSITION),
        (
            TABLE,
            {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1},
            f"Unsupported starting position for arn type: {TABLE}",
        ),
        (QUEUE, {"BatchSize": 11}, WINDOW),
        (
            FIFO,
            {"MaximumBatchingWindowInSeconds": 1},
            "Batching window is not supported for FIFO queues",
        ),
        (QUEUE, {"DestinationConfig": {}}, UNSUPPORTED.format("DestinationConfig")),
        (QUEUE, {"StartingPosition": "LATEST"}, UNSUPPORTED.format("StartingPosition")),
        (QUEUE, {"ParallelizationFactor": 2}, UNSUPPORTED.format("ParallelizationFactor")),
        (
            STREAM,
            {"ScalingConfig": {"MaximumConcurrency": 2}},
            UNSUPPORTED.format("ScalingConfig"),
        ),
        (QUEUE, {"FilterCriteria": {"Filters": [{"Pattern": '{"body":"x"}'}]}}, FILTER),
        (STREAM, {"FilterCriteria": {"Filters": [{"Pattern": "null"}]}}, FILTER),
    ],
)
def test_what_a_new_mapping_cannot_be(api: Any, arn: Any, members: Any, text: str) -> None:
    assert refusal(add, api, arn, **members) == (400, "InvalidParameterValueException", text)


@pytest.mark.parametrize(
    ("arn", "members"),
    [
        (FIFO, {"BatchSize": 11}),
        (QUEUE, {"ProvisionedPollerConfig": {"MinimumPollers": 1}}),
        (QUEUE, {"ProvisionedPollerConfig": {"MinimumPollers": 9, "MaximumPollers": 8}}),
        (QUEUE, {"ProvisionedPollerConfig": {"MaximumPollers": 2001}}),
        (QUEUE, {"ProvisionedPollerConfig": {"PollerGroupName": "g"}}),
        (
            QUEUE,
            {
                "ProvisionedPollerConfig": {"MinimumPollers": 2},
                "ScalingConfig": {"MaximumConcurrency": 2},
            },
        ),
        (QUEUE, {"MetricsConfig": {"Metrics": ["KafkaMetrics"]}}),
        (QUEUE, {"FilterCriteria": {"Filters": [{"Pattern": '{"body":["x"]}'}] * 6}}),
        (STREAM, {"MaximumRecordAgeInSeconds": 59}),
        (STREAM, {"StartingPosition": "AT_TIMESTAMP"}),
        (STREAM, {"StartingPositionTimestamp": 1}),
        (STREAM, {"DestinationConfig": {"OnSuccess": {"Destination": QUEUE}}}),
        (STREAM, {"DestinationConfig": {"OnFailure": {"Destination": FIFO}}}),
        (STREAM, {"DestinationConfig": {"OnFailure": {"Destination": FUNCTION}}}),
    ],
)
def test_what_aws_refuses_in_words_we_do_not_know(api: Any, arn: str, members: Any) -> None:
    assert refusal(add, api, arn, **members)[:2] == (400, "InvalidParameterValueException")


def test_a_wrong_starting_position_is_a_validation_error(api: Any) -> None:
    status, code, text = refusal(add, api, STREAM, StartingPosition="FIRST")
    assert (status, code) == (400, "ValidationException")
    assert "'startingPosition' failed to satisfy constraint" in text


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"BatchSize": 11}, WINDOW),
        ({"DestinationConfig": {}}, UNSUPPORTED.format("DestinationConfig")),
        ({"FilterCriteria": {"Filters": [{"Pattern": "x"}]}}, FILTER),
    ],
)
def test_what_a_mapping_cannot_become(api: Any, members: Any, text: str) -> None:
    made = add(api)
    assert refusal(api.update_event_source_mapping, UUID=made["UUID"], **members) == (
        400,
        "InvalidParameterValueException",
        text,
    )
    assert api.get_event_source_mapping(UUID=made["UUID"])["LastModified"] == made["LastModified"]


def test_one_mapping_for_a_source_and_a_function(api: Any) -> None:
    queue, stream = add(api)["UUID"], add(api, STREAM)["UUID"]
    assert refusal(add, api) == (
        409,
        "ResourceConflictException",
        f'An event source mapping with SQS arn (" {QUEUE} ") and function (" hello ") already'
        " exists. Please update or delete the existing mapping with UUID " + queue,
    )
    assert refusal(add, api, STREAM) == (
        409,
        "ResourceConflictException",
        f'The event source arn (" {STREAM} ") and function (" hello ") provided mapping already'
        " exists. Please update or delete the existing mapping with UUID " + stream,
    )
    version = add(api, FunctionName="hello:1")
    assert version["FunctionArn"] == f"{FUNCTION}:1"
    status, code, _ = refusal(
        api.update_event_source_mapping, UUID=version["UUID"], FunctionName="hello"
    )
    assert (status, code) == (409, "ResourceConflictException")
    api.delete_event_source_mapping(UUID=queue)
    add(api)


@pytest.mark.parametrize(
    "members",
    [
        {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["h:9092"]}}},
        {"EventSourceArn": f"arn:aws:kafka:us-east-1:{ACCOUNT}:cluster/c/1"},
        {"EventSourceArn": f"arn:aws:mq:us-east-1:{ACCOUNT}:broker:b:1"},
        {"EventSourceArn": f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster:c"},
    ],
)
def test_what_is_not_built_says_so(api: Any, members: Any) -> None:
    status, code, text = refusal(add, api, None, **members)
    assert (status, code) == (501, "NotImplemented")
    assert "is not implemented by this emulator yet" in text


def test_mappings_are_listed_by_function_and_source_and_in_pages(api: Any) -> None:
    made = [add(api), add(api, FunctionName="hello:1"), add(api, STREAM)]

    def listed(**request: Any) -> set[str]:
        found = api.list_event_source_mappings(**request)["EventSourceMappings"]
        return {each["UUID"] for each in found}

    uuids = [each["UUID"] for each in made]
    assert listed() == set(uuids)
    assert listed(FunctionName="hello") == {uuids[0], uuids[2]}
    assert listed(FunctionName=f"{FUNCTION}:1") == {uuids[1]}
    assert listed(EventSourceArn=QUEUE) == set(uuids[:2])
    assert listed(EventSourceArn=STREAM, FunctionName="hello") == {uuids[2]}
    assert listed(FunctionName="nobody") == set()
    first = api.list_event_source_mappings(MaxItems=2)
    rest = api.list_event_source_mappings(Marker=first["NextMarker"])
    assert "NextMarker" not in rest
    pages = first["EventSourceMappings"] + rest["EventSourceMappings"]
    assert [each["UUID"] for each in pages] == sorted(uuids)


def test_mappings_of_other_accounts_and_regions_are_out_of_sight(lab: Lab, api: Any) -> None:
    uuid = add(api)["UUID"]
    for other in (lab.client(region="eu-west-1"), lab.client(account="111111111111")):
        assert other.list_event_source_mappings()["EventSourceMappings"] == []
        assert refusal(other.get_event_source_mapping, UUID=uuid)[0] == 404


def test_older_paths_end_with_a_slash(lab: Lab, api: Any) -> None:
    status, _, body = lab.http("GET", "/2015-03-31/event-source-mappings/")
    assert (status, body) == (200, b'{"EventSourceMappings":[]}')
