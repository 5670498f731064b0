"""moto mounted, locked and patched; the only room that knows moto's backends."""

from emulator.aws.credentials import RoleCredentials
from emulator.aws.facts import Fact, NotificationsSavedFact, ObjectFact, Requester
from emulator.aws.functions import Functions
from emulator.aws.inside import AwsError, BusEvent
from emulator.aws.mount import Moto
from emulator.aws.notifications import BucketNotifications, Refused, Rule

__all__ = [
    "AwsError",
    "BucketNotifications",
    "BusEvent",
    "Fact",
    "Functions",
    "Moto",
    "NotificationsSavedFact",
    "ObjectFact",
    "Refused",
    "Requester",
    "RoleCredentials",
    "Rule",
]
