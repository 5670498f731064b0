"""A queue, and a mapping from it to a function."""

import json
import uuid
from pathlib import Path
from typing import Any

from emulator.control import CodeStore, FunctionSpec
from emulator.event_sources import Surroundings
from emulator.model import Call
from emulator.model.mapping import EventSourceMapping
from tests.event_sources.conftest import FakeInvoker, answered

ACCOUNT, REGION = "000000000000", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
ERROR = answered(b"{}", "Unhandled")
WAIT_S = 10.0


class Queue:
    """A queue, as a producer and an operator see it."""

    def __init__(self, sqs: Any, name: str, **attributes: str) -> None:
        self.sqs = sqs
        if name.endswith(".fifo"):
            attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", **attributes}
        self.url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def send(self, *bodies: str, **members: Any) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **members)

    def send_all(self, bodies: list[str]) -> None:
        for start in range(0, len(bodies), 10):
            entries = [
                {"Id": str(number), "MessageBody": body}
                for number, body in enumerate(bodies[start : start + 10])
            ]
            self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)

    def counts(self) -> tuple[int, int]:
        """How many are visible, and how many are not."""
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        prefix = "ApproximateNumberOfMessages"
        attributes = found["Attributes"]
        return int(attributes[prefix]), int(attributes[f"{prefix}NotVisible"])


def deploy(around: Surroundings, folder: Path) -> None:
    (folder / "app.py").write_text("")
    code = CodeStore(folder / "store").from_folder(folder, live=False)
    spec = FunctionSpec(name="f", runtime="python3.12", handler="a.b", role="r", timeout_s=3)
    around.functions.deploy(spec, code)


def bind(around: Surroundings, queue: Queue, **options: Any) -> EventSourceMapping:
    mapping = EventSourceMapping(
        **{
            "uuid": str(uuid.uuid4()),
            "account": ACCOUNT,
            "region": REGION,
            "source_arn": queue.arn,
            "function_arn": FUNCTION,
            "batch_size": 10,
            **options,
        }
    )
    around.mappings.declare(mapping)
    return mapping


def bodies(call: Call) -> list[str]:
    return [record["body"] for record in json.loads(call.payload)["Records"]]


def received(invoker: FakeInvoker) -> list[str]:
    return [body for call in invoker.calls for body in bodies(call)]
