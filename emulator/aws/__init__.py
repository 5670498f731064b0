"""moto mounted, locked and patched; the only room that knows moto's backends.

A module is imported when a name of it is asked for: a start that needs no service loads few.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from emulator.aws.alarm_facts import AlarmMetric, AlarmState, AlarmStateFact
    from emulator.aws.cognito_events import CognitoTrigger
    from emulator.aws.cognito_events import event as cognito_event
    from emulator.aws.config_facts import (
        ConfigEvaluationFact,
        ConfigRule,
        ConfigRuleEndedFact,
        ConfigRuleSavedFact,
    )
    from emulator.aws.config_results import make_token as make_config_token
    from emulator.aws.custom_resources import CustomResourceRequest
    from emulator.aws.custom_resources import event as custom_resource_event
    from emulator.aws.event_buses import BusEvent, ProjectRule
    from emulator.aws.event_facts import (
        EventFact,
        RetryPolicy,
        RuleSavedFact,
        RuleTarget,
        event_document,
    )
    from emulator.aws.facts import Fact, NotificationsSavedFact, ObjectFact, Requester
    from emulator.aws.firehose_facts import (
        FirehoseDeletedFact,
        FirehoseRecord,
        FirehoseRecordsFact,
        Transformation,
    )
    from emulator.aws.functions import Functions
    from emulator.aws.iot_facts import PublishFact, TopicRule
    from emulator.aws.log_facts import LogEventsFact, LoggedEvent, LogSubscriptionFact
    from emulator.aws.log_subscriptions import logs_may_invoke
    from emulator.aws.mail_facts import MailFact, ReceiptRule
    from emulator.aws.mount import Moto
    from emulator.aws.notifications import Rule
    from emulator.aws.queue_facts import QueueFact
    from emulator.aws.queues import QueueMessage, Receipt
    from emulator.aws.scheduler_facts import (
        Schedule,
        ScheduleDeletedFact,
        ScheduleSavedFact,
        ScheduleTarget,
    )
    from emulator.aws.secret_facts import Rotation, RotationFact, RotationScheduleFact
    from emulator.aws.sns_facts import MessageAttribute, NotificationFact
    from emulator.aws.stream_facts import ItemExpiresFact, RecordsAppendedFact, StreamChangedFact
    from emulator.aws.streams import (
        KinesisRecord,
        StreamDescription,
        StreamReader,
        StreamRecord,
        StreamShard,
        TableRecord,
    )

__all__ = [
    "AlarmMetric",
    "AlarmState",
    "AlarmStateFact",
    "BusEvent",
    "CognitoTrigger",
    "ConfigEvaluationFact",
    "ConfigRule",
    "ConfigRuleEndedFact",
    "ConfigRuleSavedFact",
    "CustomResourceRequest",
    "EventFact",
    "Fact",
    "FirehoseDeletedFact",
    "FirehoseRecord",
    "FirehoseRecordsFact",
    "Functions",
    "ItemExpiresFact",
    "KinesisRecord",
    "LogEventsFact",
    "LogSubscriptionFact",
    "LoggedEvent",
    "MailFact",
    "MessageAttribute",
    "Moto",
    "NotificationFact",
    "NotificationsSavedFact",
    "ObjectFact",
    "ProjectRule",
    "PublishFact",
    "QueueFact",
    "QueueMessage",
    "Receipt",
    "ReceiptRule",
    "RecordsAppendedFact",
    "Requester",
    "RetryPolicy",
    "Rotation",
    "RotationFact",
    "RotationScheduleFact",
    "Rule",
    "RuleSavedFact",
    "RuleTarget",
    "Schedule",
    "ScheduleDeletedFact",
    "ScheduleSavedFact",
    "ScheduleTarget",
    "StreamChangedFact",
    "StreamDescription",
    "StreamReader",
    "StreamRecord",
    "StreamShard",
    "TableRecord",
    "TopicRule",
    "Transformation",
    "cognito_event",
    "custom_resource_event",
    "event_document",
    "logs_may_invoke",
    "make_config_token",
]

_HOMES: Final = {  # module, name in it
    "AlarmMetric": ("alarm_facts", "AlarmMetric"),
    "AlarmState": ("alarm_facts", "AlarmState"),
    "AlarmStateFact": ("alarm_facts", "AlarmStateFact"),
    "BusEvent": ("event_buses", "BusEvent"),
    "CognitoTrigger": ("cognito_events", "CognitoTrigger"),
    "ConfigEvaluationFact": ("config_facts", "ConfigEvaluationFact"),
    "ConfigRule": ("config_facts", "ConfigRule"),
    "ConfigRuleEndedFact": ("config_facts", "ConfigRuleEndedFact"),
    "ConfigRuleSavedFact": ("config_facts", "ConfigRuleSavedFact"),
    "CustomResourceRequest": ("custom_resources", "CustomResourceRequest"),
    "EventFact": ("event_facts", "EventFact"),
    "Fact": ("facts", "Fact"),
    "FirehoseDeletedFact": ("firehose_facts", "FirehoseDeletedFact"),
    "FirehoseRecord": ("firehose_facts", "FirehoseRecord"),
    "FirehoseRecordsFact": ("firehose_facts", "FirehoseRecordsFact"),
    "Functions": ("functions", "Functions"),
    "ItemExpiresFact": ("stream_facts", "ItemExpiresFact"),
    "KinesisRecord": ("streams", "KinesisRecord"),
    "LogEventsFact": ("log_facts", "LogEventsFact"),
    "LogSubscriptionFact": ("log_facts", "LogSubscriptionFact"),
    "LoggedEvent": ("log_facts", "LoggedEvent"),
    "MailFact": ("mail_facts", "MailFact"),
    "MessageAttribute": ("sns_facts", "MessageAttribute"),
    "Moto": ("mount", "Moto"),
    "NotificationFact": ("sns_facts", "NotificationFact"),
    "NotificationsSavedFact": ("facts", "NotificationsSavedFact"),
    "ObjectFact": ("facts", "ObjectFact"),
    "ProjectRule": ("event_buses", "ProjectRule"),
    "PublishFact": ("iot_facts", "PublishFact"),
    "QueueFact": ("queue_facts", "QueueFact"),
    "QueueMessage": ("queues", "QueueMessage"),
    "Receipt": ("queues", "Receipt"),
    "ReceiptRule": ("mail_facts", "ReceiptRule"),
    "RecordsAppendedFact": ("stream_facts", "RecordsAppendedFact"),
    "Requester": ("facts", "Requester"),
    "RetryPolicy": ("event_facts", "RetryPolicy"),
    "Rotation": ("secret_facts", "Rotation"),
    "RotationFact": ("secret_facts", "RotationFact"),
    "RotationScheduleFact": ("secret_facts", "RotationScheduleFact"),
    "Rule": ("notifications", "Rule"),
    "RuleSavedFact": ("event_facts", "RuleSavedFact"),
    "RuleTarget": ("event_facts", "RuleTarget"),
    "Schedule": ("scheduler_facts", "Schedule"),
    "ScheduleDeletedFact": ("scheduler_facts", "ScheduleDeletedFact"),
    "ScheduleSavedFact": ("scheduler_facts", "ScheduleSavedFact"),
    "ScheduleTarget": ("scheduler_facts", "ScheduleTarget"),
    "StreamChangedFact": ("stream_facts", "StreamChangedFact"),
    "StreamDescription": ("streams", "StreamDescription"),
    "StreamReader": ("streams", "StreamReader"),
    "StreamRecord": ("streams", "StreamRecord"),
    "StreamShard": ("streams", "StreamShard"),
    "TableRecord": ("streams", "TableRecord"),
    "TopicRule": ("iot_facts", "TopicRule"),
    "Transformation": ("firehose_facts", "Transformation"),
    "cognito_event": ("cognito_events", "event"),
    "custom_resource_event": ("custom_resources", "event"),
    "event_document": ("event_facts", "event_document"),
    "logs_may_invoke": ("log_subscriptions", "logs_may_invoke"),
    "make_config_token": ("config_results", "make_token"),
}


if not TYPE_CHECKING:  # which knows the names above, and is to miss any other

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"emulator.aws has no {name}")
        module, there = _HOMES[name]
        found = getattr(importlib.import_module(f"emulator.aws.{module}"), there)
        globals()[name] = found  # asked once
        return found
