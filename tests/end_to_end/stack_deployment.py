"""Stacks as tools deploy them: code in a bucket, and change sets."""

import io
import json
import urllib.request
import zipfile
from typing import Any

from tests.end_to_end.stack_calls import Stacks


def upload(stacks: Stacks, bucket: str, key: str, source: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("app.py", source)
    client = stacks.emulator.client("s3")
    if bucket not in [each["Name"] for each in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key=key, Body=archive.getvalue())


def deploy(stacks: Stacks, body: str, name: str = "s", kind: str = "CREATE", **options: Any) -> str:
    """As `sam deploy` and `cdk deploy` do it; returns the stack's last status."""
    client = stacks.client
    made = client.create_change_set(
        StackName=name, ChangeSetName="c", ChangeSetType=kind, TemplateBody=body, **options
    )
    client.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
    client.execute_change_set(ChangeSetName=made["Id"])
    stacks.emulator.settle()
    return stacks.status(name)


def fetch(stacks: Stacks, path: str, host: str | None = None) -> Any:
    """host: sent as a header, as names below localhost are not known everywhere."""
    url = stacks.emulator.endpoint + path
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
