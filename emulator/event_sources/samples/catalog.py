"""Which sources have samples, of which kinds.

A sample is a function whose keyword parameters, all with defaults, are the command's options.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.event_sources.samples import (
    alarm,
    cloudformation,
    cognito,
    config_rules,
    destination,
    events,
    firehose,
    front_ends,
    function_url,
    iot,
    logs,
    nats,
    s3,
    secrets,
    ses,
    sns,
    sqs,
    streams,
)

Sample = Callable[..., dict[str, Any]]

SAMPLES: Final[Mapping[str, Mapping[str, Sample]]] = {  # by source and kind
    "alarm": alarm.SAMPLES,
    "alb": front_ends.BALANCER,
    "apigateway": front_ends.REST,
    "apigateway-http": front_ends.HTTP,
    "apigateway-websocket": front_ends.WEBSOCKET,
    "cloudformation": cloudformation.SAMPLES,
    "cognito": cognito.SAMPLES,
    "config": config_rules.SAMPLES,
    "destination": destination.SAMPLES,
    "dynamodb": streams.DYNAMODB,
    "events": events.EVENTS,
    "firehose": firehose.SAMPLES,
    "function-url": function_url.SAMPLES,
    "iot": iot.SAMPLES,
    "kinesis": streams.KINESIS,
    "logs": logs.SAMPLES,
    "nats": nats.SAMPLES,
    "s3": s3.SAMPLES,
    "scheduler": events.SCHEDULER,
    "secretsmanager": secrets.SAMPLES,
    "ses": ses.SAMPLES,
    "sns": sns.SAMPLES,
    "sqs": sqs.SAMPLES,
}
