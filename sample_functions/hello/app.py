"""Greets, and gives the event back: the smallest function worth having."""

import json


def handler(event, context):
    print(f"hello got {json.dumps(event)}")
    return {"greeting": f"Hello from {context.function_name}", "event": event}
