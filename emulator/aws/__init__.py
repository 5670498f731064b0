"""moto mounted, locked and patched; the only room that knows moto's backends."""

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
from emulator.aws.credentials import RoleCredentials
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
from emulator.aws.inside import AwsError
from emulator.aws.iot_facts import PublishFact, TopicRule
from emulator.aws.log_facts import LogEventsFact, LoggedEvent, LogSubscriptionFact
from emulator.aws.log_subscriptions import logs_may_invoke
from emulator.aws.mail_facts import MailFact, ReceiptRule
from emulator.aws.mount import Moto
from emulator.aws.notifications import BucketNotifications, Refused, Rule
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
    "AwsError",
    "BucketNotifications",
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
    "Refused",
    "Requester",
    "RetryPolicy",
    "RoleCredentials",
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
