"""Writes down the commits that a hook of a version control system publishes to a topic."""

import json
import os

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    for record in event["Records"]:
        push = json.loads(record["Sns"]["Message"])
        for commit in push["commits"]:
            key = f"{push['repository']}/{commit['id']}.txt"
            line = f"{commit['author']}: {commit['message']}\n"
            s3.put_object(Bucket=os.environ["COMMITS"], Key=key, Body=line.encode())
            print(f"{push['branch']} {key} {line}", end="")
