"""A custom resource of CloudFormation: a greeting page in a bucket, made, changed and removed."""

import json
import urllib.request

import boto3
from botocore.exceptions import ClientError

s3 = boto3.client("s3")


def handler(event, context):
    wanted = event["ResourceProperties"]
    bucket, key = wanted["Bucket"], f"{wanted['Name']}.html"
    answer = {"Status": "SUCCESS", "PhysicalResourceId": f"{bucket}/{key}", "Data": {"Key": key}}
    try:
        if event["RequestType"] == "Delete":
            s3.delete_object(Bucket=bucket, Key=key)
        else:
            page = f"<h1>Hello {wanted['Name']}</h1>\n".encode()
            s3.put_object(Bucket=bucket, Key=key, Body=page, ContentType="text/html")
    except ClientError as error:
        # Without an answer the stack would wait for an hour.
        answer = {**answer, "Status": "FAILED", "Reason": str(error)}
    respond(event, answer)


def respond(event, answer):
    names = ("StackId", "RequestId", "LogicalResourceId")
    body = json.dumps({**answer, **{name: event[name] for name in names}}).encode()
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(request).close()
