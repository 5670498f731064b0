"""Every service answers, loads once, and says which patch of ours moto has outgrown."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from emulator.aws.patches import Patch, apply
from emulator.aws.routing import backend_of, scope_of
from tests.aws.conftest import Aws, Client

PASS_MACHINE = '{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}'
TABLE = {
    "TableName": "it",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
STACK = '{"Resources":{"Queue":{"Type":"AWS::SQS::Queue"}}}'
ROLE = "arn:aws:iam::000000000000:role/r"

CREATE_AND_LIST: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "s3": (lambda c: c.create_bucket(Bucket="bkt"), lambda c: c.list_buckets()["Buckets"]),
    "sns": (lambda c: c.create_topic(Name="it"), lambda c: c.list_topics()["Topics"]),
    "sqs": (lambda c: c.create_queue(QueueName="it"), lambda c: c.list_queues()["QueueUrls"]),
    "kinesis": (
        lambda c: c.create_stream(StreamName="it", ShardCount=1),
        lambda c: c.list_streams()["StreamNames"],
    ),
    "dynamodb": (lambda c: c.create_table(**TABLE), lambda c: c.list_tables()["TableNames"]),
    "events": (
        lambda c: c.put_rule(Name="it", EventPattern='{"source":["x"]}'),
        lambda c: c.list_rules()["Rules"],
    ),
    "logs": (
        lambda c: c.create_log_group(logGroupName="it"),
        lambda c: c.describe_log_groups()["logGroups"],
    ),
    "iam": (lambda c: c.create_user(UserName="it"), lambda c: c.list_users()["Users"]),
    "sts": (lambda c: c.get_session_token(), lambda c: [c.get_caller_identity()["Account"]]),
    "secretsmanager": (
        lambda c: c.create_secret(Name="it", SecretString="x"),
        lambda c: c.list_secrets()["SecretList"],
    ),
    "ssm": (
        lambda c: c.put_parameter(Name="it", Value="x", Type="String"),
        lambda c: c.describe_parameters()["Parameters"],
    ),
    "cloudformation": (
        lambda c: c.create_stack(StackName="it", TemplateBody=STACK),
        lambda c: c.list_stacks()["StackSummaries"],
    ),
    "cognito-idp": (
        lambda c: c.create_user_pool(PoolName="it"),
        lambda c: c.list_user_pools(MaxResults=5)["UserPools"],
    ),
    "apigateway": (
        lambda c: c.create_rest_api(name="it"),
        lambda c: c.get_rest_apis()["items"],
    ),
    "stepfunctions": (
        lambda c: c.create_state_machine(name="it", definition=PASS_MACHINE, roleArn=ROLE),
        lambda c: c.list_state_machines()["stateMachines"],
    ),
}


@pytest.mark.parametrize("service", CREATE_AND_LIST)
def test_a_service_creates_and_lists(service: str, client: Client) -> None:
    create, listed = CREATE_AND_LIST[service]
    made = client(service)
    create(made)
    assert len(listed(made)) == 1


def test_every_patch_fits_this_moto_and_does_its_work(aws: Aws) -> None:
    aws.moto.warm(["cloudformation"])  # and with it every patch, as a stack may need them all
    assert aws.activity.wait_idle(30)
    assert "cloudformation" in aws.moto.services()
    aws.reporter.stop()
    assert "moto.patch_broken" not in aws.terminal.getvalue()


def test_what_is_routed_here_goes_where_moto_would_send_it(aws: Aws) -> None:
    infer = aws.moto._services.infer
    for service in ("sns", "states", "cognito-idp", "monitoring", "apigateway", "kms", "email"):
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 "
            f"Credential=k/20261122/us-east-1/{service}/aws4_request, SignedHeaders=host",
        }
        ours = backend_of(scope_of(environ).service, environ)
        assert ours in (None, infer(environ))


def test_an_action_waits_for_its_service(aws: Aws) -> None:
    done: list[str] = []
    aws.moto._services.when_loaded("kms", lambda: done.append("kms"))
    assert done == []
    aws.moto._services.load("kms")
    aws.moto._services.load("kms")
    assert done == ["kms"]
    aws.moto._services.when_loaded("kms", lambda: done.append("now"))
    assert done == ["kms", "now"]


def test_a_patch_whose_target_changed_is_named_and_not_applied() -> None:
    module = "emulator.aws.locks"
    broken = apply(
        [
            Patch(f"{module}:ServiceLocks.no_such_name", "self", lambda original: original),
            Patch(f"{module}:ServiceLocks.hold", "self, other", lambda original: None),
            Patch("emulator.no_such_module:name", "", lambda original: None),
        ]
    )
    assert list(broken) == [
        f"{module}:ServiceLocks.no_such_name",
        f"{module}:ServiceLocks.hold",
        "emulator.no_such_module:name",
    ]
    assert broken[f"{module}:ServiceLocks.hold"] == (
        "its parameters are (self, services), not (self, other)"
    )


def test_nothing_of_moto_is_imported_with_the_room() -> None:
    program = (
        "import sys, emulator.aws, emulator.event_sources.s3;"
        "print([m for m in ('moto', 'boto3', 'botocore', 'flask') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert printed.stdout.strip() == b"[]"


def test_the_callers_own_aws_settings_do_not_matter() -> None:
    program = """
import io, sys
from emulator.aws import Moto
from emulator.model import Clock
from emulator.observe import Activity, LogBook, Metrics, Reporter
clock, reporter = Clock(), Reporter(sys.stderr)
moto = Moto(
    log_book=LogBook(clock), metrics=Metrics(clock), activity=Activity(clock), clock=clock,
    reporter=reporter,
)
environ = {
    "REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "localhost", "SERVER_NAME": "x",
    "SERVER_PORT": "1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
    "QUERY_STRING": "Action=CreateQueue&Version=2012-11-05&QueueName=q",
}
print(b"".join(moto.wsgi(environ, print)).decode())
"""
    broken = {"AWS_PROFILE": "no-such-profile", "MOTO_ACCOUNT_ID": "555555555555"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **broken},
        capture_output=True,
        check=True,
        text=True,
    )
    assert "http://localhost/000000000000/q</QueueUrl>" in done.stdout


def test_objects_that_are_gone_are_not_kept_by_moto(client: Client) -> None:
    queue = client("sqs").create_queue(QueueName="it")["QueueUrl"]
    client("sqs").send_message(QueueUrl=queue, MessageBody="x")
    s3 = client("s3")
    s3.create_bucket(Bucket="bkt")
    s3.upload_fileobj(io.BytesIO(b"x"), "bkt", "key")
    from moto.s3.models import FakeKey
    from moto.sqs.models import Message

    assert not Message.instances_tracked  # type: ignore[attr-defined]  # moto's metaclass adds it
    assert not FakeKey.instances_tracked  # type: ignore[attr-defined]  # moto's metaclass adds it
