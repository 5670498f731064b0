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
    return next(read(record) for member, read in READERS.items() if member in record)


def decoded(record):
    document = json.loads(gzip.decompress(base64.b64decode(record["awslogs"]["data"])))
    return document["logEvents"][0]["message"]


READERS = {  # by a member that only events of that source have
    "s3": lambda record: record["s3"]["object"]["key"],
    "body": lambda record: record["body"],
    "Sns": lambda record: record["Sns"]["Message"],
    "kinesis": lambda record: base64.b64decode(record["kinesis"]["data"]).decode(),
    "dynamodb": lambda record: record["dynamodb"]["Keys"]["id"]["S"],
    "awslogs": decoded,
    "detail": lambda record: record["detail"]["id"],
}
