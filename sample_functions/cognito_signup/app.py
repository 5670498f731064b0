"""Triggers of a user pool: who may sign up, and what is written down when somebody has."""

import json
import os

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    attributes = event["request"]["userAttributes"]
    match event["triggerSource"]:
        case "PreSignUp_SignUp":
            if not attributes["email"].endswith("@" + os.environ["DOMAIN"]):
                raise PermissionError(f"{attributes['email']} is not one of us")
            event["response"] |= {"autoConfirmUser": True, "autoVerifyEmail": True}
        case "PostConfirmation_ConfirmSignUp":
            profile = json.dumps({"name": event["userName"], "email": attributes["email"]})
            s3.put_object(
                Bucket=os.environ["PROFILES"], Key=f"{event['userName']}.json", Body=profile
            )
    return event
