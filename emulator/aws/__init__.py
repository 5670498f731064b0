"""moto mounted, locked and patched; the only room that knows moto's backends."""

from emulator.aws.credentials import RoleCredentials
from emulator.aws.facts import Fact, NotificationsSavedFact, ObjectFact, Requester
from emulator.aws.functions import Functions
from emulator.aws.inside import AwsError, BusEvent
from emulator.aws.mount import Moto
from emulator.aws.notifications import BucketNotifications, Refused, Rule
from emulator.aws.sns_facts import MessageAttribute, NotificationFact
from emulator.aws.stream_facts import RecordsAppendedFact, StreamChangedFact
from emulator.aws.streams import (
    KinesisRecord,
    StreamDescription,
    StreamReader,
    StreamRecord,
    StreamShard,
    TableRecord,
)

__all__ = [
    "AwsError",
    "BucketNotifications",
    "BusEvent",
    "Fact",
    "Functions",
    "KinesisRecord",
    "MessageAttribute",
    "Moto",
    "NotificationFact",
    "NotificationsSavedFact",
    "ObjectFact",
    "RecordsAppendedFact",
    "Refused",
    "Requester",
    "RoleCredentials",
    "Rule",
    "StreamChangedFact",
    "StreamDescription",
    "StreamReader",
    "StreamRecord",
    "StreamShard",
    "TableRecord",
]
