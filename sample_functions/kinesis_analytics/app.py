"""Counts the events of a stream: how many of each kind in each minute, kept in a table."""

import base64
import json
import os
from collections import Counter
from datetime import UTC, datetime

import boto3

counts = boto3.client("dynamodb")


def handler(event, context):
    seen = Counter()
    for record in event["Records"]:
        click = json.loads(base64.b64decode(record["kinesis"]["data"]))
        moment = datetime.fromtimestamp(record["kinesis"]["approximateArrivalTimestamp"], UTC)
        seen[click["page"], moment.strftime("%Y-%m-%dT%H:%M")] += 1
    for (page, minute), count in seen.items():
        counts.update_item(
            TableName=os.environ["COUNTS"],
            Key={"page": {"S": page}, "minute": {"S": minute}},
            UpdateExpression="ADD clicks :count",
            ExpressionAttributeValues={":count": {"N": str(count)}},
        )
    return {"counted": seen.total()}
