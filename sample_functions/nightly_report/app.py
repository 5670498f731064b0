"""Each night, writes down how many objects a bucket holds, and how large they are."""

import json
import os

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    day = event["time"][:10]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=os.environ["BUCKET"])
    sizes = [each["Size"] for page in pages for each in page.get("Contents", [])]
    report = {"day": day, "objects": len(sizes), "bytes": sum(sizes)}
    s3.put_object(Bucket=os.environ["REPORTS"], Key=f"{day}.json", Body=json.dumps(report).encode())
    print(f"{day}: {len(sizes)} objects, {sum(sizes)} bytes")
    return report
