"""The operations on durable executions answer as the service model says.

The client fails at an answer of another form: tests/api/output_shape.py.
"""

import io
import zipfile
from typing import Any

import pytest

from emulator.api.service_model import service_model
from tests.api.minimal_requests import NEED_AN_EXECUTION
from tests.api.output_shape import problems
from tests.durable.conftest import Durable
from tests.end_to_end.project_folder import RUNTIME

# Asks for state and checkpoint as its SDK does, and returns what came as it came.
RAW = """
import json, os, urllib.parse, urllib.request

def ask(arn, path, method, body=None):
    url = f"{os.environ['AWS_ENDPOINT_URL']}/2025-12-01/durable-executions/{arn}/{path}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return [answer.status, answer.read().decode()]

def handler(event, context):
    arn = urllib.parse.quote(event["DurableExecutionArn"], safe="")
    token = event["CheckpointToken"]
    state = ask(arn, f"state?CheckpointToken={urllib.parse.quote(token, safe='')}", "GET")
    update = {"Id": "s", "Type": "STEP", "Action": "SUCCEED", "Payload": "1", "Name": "step"}
    checkpoint = ask(arn, "checkpoint", "POST", {"CheckpointToken": token, "Updates": [update]})
    answers = {"GetDurableExecutionState": state, "CheckpointDurableExecution": checkpoint}
    return {"Status": "SUCCEEDED", "Result": json.dumps(answers)}
"""


def archive(source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        entry = zipfile.ZipInfo("app.py")
        entry.external_attr = 0o644 << 16
        zipped.writestr(entry, source)
    return buffer.getvalue()


def test_what_a_function_asks_for_is_answered_as_the_model_says(durable: Durable) -> None:
    durable.client.create_function(
        FunctionName="raw",
        Runtime=RUNTIME,
        Role="arn:aws:iam::000000000000:role/any",
        Handler="app.handler",
        Code={"ZipFile": archive(RAW)},
        DurableConfig={"ExecutionTimeout": 60},
    )
    answers: Any = durable.run("raw")["Payload"]
    durable.client.delete_function(FunctionName="raw")
    for operation, (status, body) in answers.items():
        model = service_model().operation_model(operation)
        assert list(problems(model, status, body.encode())) == [], body


def test_every_other_operation_is_answered_as_the_model_says(durable: Durable) -> None:
    asked = {"CheckpointDurableExecution", "GetDurableExecutionState"}

    def ask(operation: str, **members: Any) -> Any:
        asked.add(operation)
        return durable.client._make_api_call(operation, members)  # by its name in the model

    first = {"DurableExecutionArn": durable.start("asks")}
    ask("SendDurableExecutionCallbackHeartbeat", CallbackId=durable.callback(*first.values()))
    ask("GetDurableExecution", **first)
    ask("GetDurableExecutionHistory", **first, IncludeExecutionData=True)
    ask("PauseDurableExecution", **first)
    ask("ResumeDurableExecution", **first)
    ask("SendDurableExecutionCallbackSuccess", CallbackId=durable.callback(*first.values()))
    assert durable.status(*first.values()) == "SUCCEEDED"

    second = {"DurableExecutionArn": durable.start("asks")}
    ask("SendDurableExecutionCallbackFailure", CallbackId=durable.callback(*second.values()))
    assert durable.status(*second.values()) == "FAILED"

    third = {"DurableExecutionArn": durable.start("asks")}
    ask("StopDurableExecution", **third)
    ask("GetDurableExecution", **third)
    ask("GetDurableExecutionHistory", **third)
    ask("DeleteDurableExecution", **third)
    with pytest.raises(durable.client.exceptions.ResourceNotFoundException):
        ask("GetDurableExecution", **third)
    assert asked == NEED_AN_EXECUTION


def test_the_events_of_every_kind_are_of_the_model_s_form(durable: Durable) -> None:
    for function in ("steps", "retries", "fans_out", "calls"):
        arn = durable.start(function)
        durable.emulator.settle()  # some of them go on when the clock does
        assert durable.history(arn)
    durable.client.list_durable_executions_by_function(FunctionName="steps", ReverseOrder=True)
