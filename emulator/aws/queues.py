"""Reading queues of SQS."""

from typing import Any

from emulator.aws.own_requests import OwnRequests
from emulator.aws.services import Services
from emulator.model.mapping import SourceDescription


class Queues:
    """The queues of SQS. Any thread may call, except one that holds a lock of moto."""

    def __init__(self, services: Services, own: OwnRequests) -> None:
        self._services = services
        self._own = own

    def describe(self, queue_arn: str) -> SourceDescription | None:
        """The queue; None: there is none of this ARN."""
        self._services.load("sqs")
        with self._own.make("sqs", queue_arn.split(":")[4]):
            queue = _find(queue_arn)
            if queue is None:
                return None
            return SourceDescription(visibility_timeout_s=int(queue.visibility_timeout))


def _find(queue_arn: str) -> Any:
    from moto.sqs.models import sqs_backends

    _, _, _, region, account, name = queue_arn.split(":", 5)
    regions = sqs_backends[account]
    return regions[region].queues.get(name) if region in regions else None
