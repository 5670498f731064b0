"""Functions that the tests run: one source, of which each function has another handler."""

SOURCE = """
import json, os
from aws_durable_execution_sdk_python import durable_execution, durable_step
from aws_durable_execution_sdk_python.config import (
    CallbackConfig, Duration, ParallelConfig, StepConfig,
)
from aws_durable_execution_sdk_python.retries import RetryDecision
from aws_durable_execution_sdk_python.waits import WaitForConditionConfig, WaitForConditionDecision


def seconds(number):
    return Duration.from_seconds(number)


def retry_after(number, attempts):
    def decide(error, attempt):
        if attempt >= attempts:
            return RetryDecision.no_retry()
        return RetryDecision.retry(seconds(number))
    return StepConfig(retry_strategy=decide)


@durable_execution
def steps(event, context):
    one = context.step(lambda _: event.get("n", 1) + 1, name="one")
    return context.step(lambda _: one * 10, name="two")


@durable_execution
def sleeper(event, context):
    context.step(lambda _: None, name="before")
    context.wait(seconds(event.get("seconds", 600)), name="nap")
    return context.step(lambda _: "awake", name="after")


@durable_execution
def retries(event, context):
    def flaky(step):
        if step.attempt < event["succeeds_at"]:
            raise ValueError(f"attempt {step.attempt}")
        return step.attempt
    return context.step(flaky, name="flaky", config=retry_after(60, 5))


@durable_execution
def gives_up(event, context):
    def fail(step):
        raise KeyError("never")
    context.step(fail, name="fail", config=retry_after(30, 2))


@durable_execution
def asks(event, context):
    config = CallbackConfig(
        timeout=seconds(event.get("timeout", 0)),
        heartbeat_timeout=seconds(event.get("heartbeat", 0)),
    )
    callback = context.create_callback(name="approval", config=config)
    return {"answer": callback.result()}


@durable_execution
def waits_for(event, context):
    return context.wait_for_callback(lambda callback_id, _: print("asked", callback_id), name="w")


@durable_execution
def fans_out(event, context):
    def branch(child, item, index, items):
        child.wait(seconds(10 * (index + 1)), name="wait")
        return child.step(lambda _: item * item, name="square")
    batch = context.map(event["items"], branch, name="squares")
    return batch.get_results()


@durable_execution
def calls(event, context):
    try:
        return {"result": context.invoke(event["function"], event.get("payload", {}), name="call")}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error), "type": error.error_type}


def crashes(event, context):
    os._exit(3)


@durable_execution
def raises_at_once(event, context):
    raise ValueError("wrong from the start")


@durable_execution
def large(event, context):
    return "x" * event["bytes"]


def idle(event, context):
    return {"Status": "PENDING"}


def says_nonsense(event, context):
    return {"Status": "DONE"}


@durable_execution
def polls(event, context):
    def check(state, _):
        return state + 1
    def decide(state, attempt):
        if state >= 3:
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(seconds(60))
    config = WaitForConditionConfig(initial_state=0, wait_strategy=decide)
    return context.wait_for_condition(check, config=config, name="poll")


@durable_execution
def echo(event, context):
    return event


@durable_execution
def deep(event, context):
    def inner(child):
        return child.step(lambda _: "deep down", name="leaf")
    found = context.run_in_child_context(inner, name="inside")
    context.wait(seconds(5))
    return found


@durable_execution
def pauses_itself(event, context):
    arn = context.state.durable_execution_arn
    def pause(step):
        import boto3
        lambda_ = boto3.client("lambda")
        if lambda_.get_durable_execution(DurableExecutionArn=arn)["Status"] == "RUNNING":
            lambda_.pause_durable_execution(DurableExecutionArn=arn)
    context.step(pause, name="pause")
    return context.step(lambda _: "went on", name="on")


@durable_execution
def works_long(event, context):
    first = context.step(lambda _: os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], name="first")
    def work(step):
        if first == os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]:  # not after the kill
            print("working", flush=True)
            import threading
            threading.Event().wait(15)
        return "second"
    return context.step(work, name="work")


def checkpoints_by_hand(event, context):
    import boto3
    from botocore.exceptions import ClientError
    lambda_ = boto3.client("lambda")
    arn, token = event["DurableExecutionArn"], event["CheckpointToken"]
    def checkpoint(token, *updates, client_token=None):
        options = {"ClientToken": client_token} if client_token else {}
        try:
            answer = lambda_.checkpoint_durable_execution(
                DurableExecutionArn=arn, CheckpointToken=token, Updates=updates, **options
            )
        except ClientError as error:
            return error.response["Error"]
        del answer["ResponseMetadata"]
        return answer
    updates = [
        {"Id": "step", "Type": "STEP", "Action": "START"},
        {"Id": "wait", "Type": "WAIT", "Action": "START", "WaitOptions": {"WaitSeconds": 60}},
    ]
    first = checkpoint(token, *updates, client_token="once")
    again = checkpoint(token, *updates, client_token="once")
    stale = checkpoint(token, *updates)
    newest = first["CheckpointToken"]
    wrong = checkpoint(newest, updates[0])
    def state(**members):
        return lambda_.get_durable_execution_state(
            DurableExecutionArn=arn, CheckpointToken=newest, **members
        )
    types = lambda page: [each["Type"] for each in page["Operations"]]
    page = state(MaxItems=2)
    result = {
        "first": [
            {key: each[key] for key in ("Id", "Type", "Status")}
            for each in first["NewExecutionState"]["Operations"]
        ],
        "again": "same answer" if first == again else "another answer",
        "stale": [stale["Code"], stale["Message"]],
        "wrong": [wrong["Code"], wrong["Message"]],
        "state": types(state()),
        "pages": [types(page), types(state(Marker=page["NextMarker"]))],
    }
    return {"Status": "SUCCEEDED", "Result": json.dumps(result)}


def plain(event, context):
    return {"plain": event}


def raises(event, context):
    raise RuntimeError("plainly wrong")


handler = NAME
"""
