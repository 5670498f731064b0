import base64
import gzip
import json
import time


def handler(event, context):
    started = time.time()
    return {
        "started": started,
        "ids": [identity(record) for record in event.get("Records", [event])],
    }


def identity(record):
    if "body" in record:
        return record["body"]
    if "Sns" in record:
        return record["Sns"]["Message"]
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    if "dynamodb" in record:
        return record["dynamodb"]["Keys"]["id"]["S"]
    if "awslogs" in record:
        document = json.loads(gzip.decompress(base64.b64decode(record["awslogs"]["data"])))
        return document["logEvents"][0]["message"]
    return json.dumps(record["detail"]["id"]).strip('"')
