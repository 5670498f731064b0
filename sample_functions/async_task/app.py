"""Does a task in the background; tells its end through a DynamoDB item and an SQS message."""

import json
import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
sqs = boto3.client("sqs")


def handler(event, context):
    task, total = event["task"], sum(event["numbers"])
    table.put_item(Item={"task": task, "status": "done", "total": total})
    queue_url = sqs.get_queue_url(QueueName=os.environ["QUEUE"])["QueueUrl"]
    sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps({"task": task, "total": total}))
    print(f"task {task} is done")
