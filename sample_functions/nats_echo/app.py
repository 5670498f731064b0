"""Answers a NATS request with what it was asked, and where."""


def handler(event, context):
    nats = context.client_context.custom["nats"]
    print(f"nats_echo got {event!r} on {nats['subject']}")
    return {"echo": event, "subject": nats["subject"]}
