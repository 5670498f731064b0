"""Triggers with `source = "nats"`, and the `[nats]` table."""

from typing import Final

from emulator.model.triggers.nats import DEFAULT_URL, NatsTrigger, parse_url
from emulator.project.table import Table

_SHORTEST_ACK_WAIT_S: Final = 0.1
_DELIVERIES: Final = 1_000_000


def read(table: Table) -> NatsTrigger:
    """Read one trigger; mistakes are noted in the table."""
    has_limit = "max_deliver" in table
    max_deliver = table.integer("max_deliver", 1, low=1, high=_DELIVERIES)
    trigger = NatsTrigger(
        subject=table.text("subject", required=True, form=r"(?s).+", what="a subject"),
        queue=table.text("queue"),
        stream=table.text("stream"),
        consumer=table.text("consumer"),
        max_deliver=max_deliver if has_limit else None,
        ack_wait_s=table.number("ack_wait_s", low=_SHORTEST_ACK_WAIT_S),
        dead_letter=table.text("dead_letter"),
    )
    for key, text in trigger.problems():
        if key != "subject" or trigger.subject:  # else that is noted already
            table.problem(key, text)
    return trigger


def read_server(table: Table) -> str | None:
    """The server's address in `[nats]`; None: there is none."""
    text = table.text("url")
    table.finish()
    url = parse_url(text) if text else None
    if text and url is None:
        table.problem("url", f'"{text}" is not the address of a server like "{DEFAULT_URL}"')
    return url
