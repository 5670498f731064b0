"""SES: a function decides what becomes of mail that is received."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

DECIDE = """
def handler(event, context):
    ses = event["Records"][0]["ses"]
    assert set(ses) == {"mail", "receipt"}
    subject = ses["mail"]["commonHeaders"]["subject"]
    if subject == "crash":
        raise RuntimeError(subject)
    return {"disposition": "STOP_RULE" if subject == "spam" else "CONTINUE"}
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), '[resources]\nbuckets = ["mails"]\n')
    folder.add("decide", DECIDE)
    with running_emulator(folder.path) as emulator:
        yield emulator


def send(ses: Any, subject: str) -> None:
    ses.send_email(
        Source="ann@example.com",
        Destination={"ToAddresses": ["bob@example.com"]},
        Message={"Subject": {"Data": subject}, "Body": {"Text": {"Data": "hello"}}},
    )


def test_mail_is_stored_as_the_function_decides(emulator: RunningEmulator) -> None:
    functions, ses, s3 = (emulator.client(name) for name in ("lambda", "ses", "s3"))
    arn = functions.get_function(FunctionName="decide")["Configuration"]["FunctionArn"]
    s3.list_objects_v2(Bucket="mails")
    functions.add_permission(
        FunctionName="decide",
        StatementId="ses",
        Action="lambda:InvokeFunction",
        Principal="ses.amazonaws.com",
        SourceArn="arn:aws:ses:us-east-1:000000000000:receipt-rule-set/inbound:receipt-rule/all",
        SourceAccount="000000000000",
    )
    ses.verify_domain_identity(Domain="example.com")
    ses.create_receipt_rule_set(RuleSetName="inbound")
    ses.create_receipt_rule(
        RuleSetName="inbound",
        Rule={
            "Name": "all",
            "Enabled": True,
            "Actions": [
                {"LambdaAction": {"FunctionArn": arn, "InvocationType": "RequestResponse"}},
                {"S3Action": {"BucketName": "mails"}},
            ],
        },
    )
    ses.set_active_receipt_rule_set(RuleSetName="inbound")
    for subject in ("spam", "invoice", "crash"):
        send(ses, subject)
    emulator.settle()
    stored = [
        s3.get_object(Bucket="mails", Key=each["Key"])["Body"].read()
        for each in s3.list_objects_v2(Bucket="mails")["Contents"]
    ]
    subjects = sorted(
        name for name in ("spam", "invoice", "crash") for each in stored if name.encode() in each
    )
    assert subjects == ["crash", "invoice"]
    emulator.wait_for_output("ses.action_failed")
    statuses = sorted(each["status"] for each in emulator.invocations("decide"))
    assert statuses == ["error", "success", "success"]
