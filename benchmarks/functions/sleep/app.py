import time


def handler(event, context):
    time.sleep(0.05)  # noqa: TID251 - a function that waits
