import time


def handler(event, context):
    return {"started": time.time()}
