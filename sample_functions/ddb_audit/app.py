"""Writes every change of a table into a bucket, one object a change."""

import json
import os

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    for record in event["Records"]:
        change = record["dynamodb"]
        (key,) = (value for attribute in change["Keys"].values() for value in attribute.values())
        audit = {
            "change": record["eventName"],
            "before": change.get("OldImage"),
            "after": change.get("NewImage"),
        }
        s3.put_object(
            Bucket=os.environ["AUDIT"],
            Key=f"{key}/{change['SequenceNumber']}.json",
            Body=json.dumps(audit).encode(),
        )
