import time


def handler(event, context):
    started = time.time()
    return {"started": started, "key": event["Records"][0]["s3"]["object"]["key"]}
