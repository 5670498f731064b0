"""Event source mappings in the words of the API: EventSourceMappingConfiguration.

Source: spec/event-source-mappings.md section 1.
"""

from collections.abc import Callable
from typing import Any

from emulator.control.mapping import MappingConfiguration
from emulator.control.mapping_options import SOURCE_KINDS
from emulator.model.mapping import EventSourceMapping

Answer = dict[str, Any]


def configuration(shown: MappingConfiguration, last_result: Callable[[str], str | None]) -> Answer:
    """EventSourceMappingConfiguration. last_result: what a mapping's poller has to say."""
    mapping = shown.mapping
    kind = SOURCE_KINDS[mapping.service]
    answer: Answer = {
        "UUID": mapping.uuid,
        "BatchSize": mapping.batch_size,
        "MaximumBatchingWindowInSeconds": mapping.window_s,
        "EventSourceArn": mapping.source_arn,
        "FunctionArn": mapping.function_arn,
        "LastModified": shown.modified_at,
        "State": shown.state.value,
        "StateTransitionReason": kind.reason,
        "FunctionResponseTypes": (
            ["ReportBatchItemFailures"] if mapping.reports_item_failures else []
        ),
        "EventSourceMappingArn": shown.arn,
        **_when_set(mapping),
    }
    if mapping.service != "sqs":
        answer.update(_stream_options(mapping))
    if result := last_result(mapping.uuid) or kind.first_result:
        answer["LastProcessingResult"] = result
    return answer


def _stream_options(mapping: EventSourceMapping) -> Answer:
    on_failure = {"Destination": mapping.on_failure_arn} if mapping.on_failure_arn else {}
    answer: Answer = {
        "StartingPosition": mapping.starting_position,
        "ParallelizationFactor": mapping.parallelization_factor,
        "MaximumRecordAgeInSeconds": mapping.maximum_record_age_s,
        "MaximumRetryAttempts": mapping.maximum_retries,
        "BisectBatchOnFunctionError": mapping.bisects_batch,
        "TumblingWindowInSeconds": mapping.tumbling_window_s,
        "DestinationConfig": {"OnFailure": on_failure},
    }
    if mapping.starting_at is not None:
        answer["StartingPositionTimestamp"] = mapping.starting_at
    return answer


def _when_set(mapping: EventSourceMapping) -> Answer:
    answer: Answer = {}
    if mapping.filters:
        answer["FilterCriteria"] = {"Filters": [{"Pattern": each} for each in mapping.filters]}
    if mapping.kms_key_arn:
        answer["KMSKeyArn"] = mapping.kms_key_arn
    if mapping.maximum_concurrency is not None:
        answer["ScalingConfig"] = {"MaximumConcurrency": mapping.maximum_concurrency}
    if mapping.counts_events:
        answer["MetricsConfig"] = {"Metrics": ["EventCount"]}
    if mapping.maximum_pollers is not None:
        answer["ProvisionedPollerConfig"] = {
            "MinimumPollers": mapping.minimum_pollers,
            "MaximumPollers": mapping.maximum_pollers,
        }
    return answer
