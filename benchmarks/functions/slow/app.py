import time


def handler(event, context):
    time.sleep(5)  # noqa: TID251 - being slow is its purpose
