"""A folder with a SAM template is a project: all that the template names is there, and live."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.template_project import RUNTIME, SOURCE, TemplateProject, physical_ids
from tests.running_emulator import RunningEmulator, running_emulator

STACK = "shop"
INNER = f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  Deep:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Runtime: {RUNTIME}
      Handler: app.handler
      AutoPublishAlias: live
      Environment: {{Variables: {{GREETING: deep}}}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> TemplateProject:
    return TemplateProject(tmp_path_factory.mktemp("projects") / STACK)


@pytest.fixture(scope="module")
def running(project: TemplateProject) -> Iterator[RunningEmulator]:
    with running_emulator(project.path) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: RunningEmulator, project: TemplateProject) -> Iterator[RunningEmulator]:
    """The emulator when it runs the project as it was at first."""
    running.settle()
    yield running
    TemplateProject(project.path)
    running.settle()


@pytest.fixture
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


def said(functions: Any, name: str = "Hello") -> Any:
    answer = functions.invoke(FunctionName=name)
    return json.loads(answer["Payload"].read())["body"]


def resources(emulator: RunningEmulator) -> dict[str, str]:
    return physical_ids(emulator.client("cloudformation"), STACK)


def fetch(emulator: RunningEmulator, path: str) -> str:
    with urllib.request.urlopen(emulator.endpoint + path) as answer:
        return str(answer.read().decode())


def sources(emulator: RunningEmulator) -> list[str]:
    emulator.settle()
    return [record["source"] for record in emulator.invocations("Hello")]


def test_functions_are_called_by_their_logical_ids(functions: Any) -> None:
    assert said(functions) == "hello world 1"
    assert said(functions, "Hello:live") == "hello world 1"


def test_the_start_shows_functions_with_their_events(running: RunningEmulator) -> None:
    line = next(line for line in running.output.splitlines() if line.startswith("Hello "))
    assert line.endswith(
        "GET /hello/{name}, GET /rest, sqs://Jobs, s3://Photos, sns://Topic,"
        " schedule://rate(1 hour)"
    )
    running.wait_for_output("stack.creating stack=shop template=template.yaml")
    running.wait_for_output("stack.created stack=shop resources=")


def test_events_of_the_template_reach_the_function(emulator: RunningEmulator) -> None:
    found = resources(emulator)
    emulator.client("s3").put_object(Bucket=found["Photos"], Key="a", Body=b"x")
    emulator.client("sqs").send_message(QueueUrl=found["Jobs"], MessageBody="x")
    emulator.client("sns").publish(TopicArn=found["Topic"], Message="x")
    emulator.advance(3600)
    assert {"s3", "sqs", "sns", "events"} <= set(sources(emulator))


def test_apis_of_the_template_answer(emulator: RunningEmulator) -> None:
    found = resources(emulator)
    rest, http = found["ServerlessRestApi"], found["ServerlessHttpApi"]
    assert fetch(emulator, f"/_aws/execute-api/{rest}/Prod/rest") == "hello world 1"
    assert fetch(emulator, f"/_aws/execute-api/{http}/$default/hello/bob") == "hello world 1"


def test_a_definition_in_a_file_of_its_own_is_part_of_the_stack(emulator: RunningEmulator) -> None:
    machines = emulator.client("stepfunctions")
    arn = resources(emulator)["Machine"]
    started = machines.start_execution(stateMachineArn=arn)["executionArn"]
    emulator.settle()
    output = machines.describe_execution(executionArn=started)["output"]
    assert json.loads(output)["body"] == "hello world 1"


def test_a_template_in_the_template_is_a_stack_in_the_stack(
    emulator: RunningEmulator, project: TemplateProject, functions: Any
) -> None:
    inner = "  Inner: {Type: AWS::Serverless::Application, Properties: {Location: inner/t.yaml}}\n"
    project.write("inner/app.py", SOURCE.replace("REVISION = 1", "REVISION = 7"))
    project.write("inner/words.py", 'WORLD = "inside"\n')
    project.write("inner/t.yaml", INNER)
    project.replace("template.yaml", "  Topic: {", f"{inner}  Topic: {{")
    emulator.wait_for_output("project.applied added=Inner")
    stack = resources(emulator)["Inner"]
    found = physical_ids(emulator.client("cloudformation"), stack)
    assert said(functions, found["Deep"]) == "deep inside 7"
    project.replace("inner/app.py", "REVISION = 7", "REVISION = 8")
    assert said(functions, f"{found['Deep']}:live") == "deep inside 8"
    project.replace("inner/t.yaml", "deep", "deeper")
    emulator.wait_for_output("project.applied changed=Inner")
    assert said(functions, found["Deep"]) == "deeper inside 8"


def test_saved_code_runs_from_the_next_invocation_on(
    emulator: RunningEmulator, project: TemplateProject, functions: Any
) -> None:
    project.replace("src/app.py", "REVISION = 1", "REVISION = 2")
    assert said(functions) == "hello world 2"
    project.replace("src/app.py", "REVISION = 2", "REVISION = 3")
    assert said(functions, "Hello:live") == "hello world 3"
    project.replace("words/python/words.py", "world", "moon")
    assert said(functions) == "hello moon 3"


def test_a_saved_template_updates_the_stack(
    emulator: RunningEmulator, project: TemplateProject, functions: Any
) -> None:
    before = resources(emulator)
    project.replace("template.yaml", "Default: hello", "Default: bye")
    project.replace("template.yaml", "  Topic: {", "  More: {Type: AWS::SQS::Queue}\n  Topic: {")
    emulator.wait_for_output("project.applied added=More changed=Hello")
    assert said(functions) == "bye world 1"
    after = resources(emulator)
    assert "More" in after
    assert {name: after[name] for name in before} == before  # what did not change is not touched


def test_a_saved_definition_updates_the_stack(
    emulator: RunningEmulator, project: TemplateProject
) -> None:
    project.replace("steps.asl.json", '"StartAt"', '"Comment": "saved", "StartAt"')
    emulator.wait_for_output("project.applied changed=Machine")
    machine = emulator.client("stepfunctions").describe_state_machine(
        stateMachineArn=resources(emulator)["Machine"]
    )
    assert json.loads(machine["definition"])["Comment"] == "saved"


BAD = [
    ("Jobs.Arn", "Jbs.Arn", "key=Resources.Hello.Properties.Events.Queue.Properties.Queue error="),
    ("Timeout: 5", "Timeout: 5000", "key=Resources.Hello error="),
    ("CodeUri: src/", "CodeUri: scr/", "key=Resources.Hello.Properties.CodeUri error="),
    ("Transform:", "Transform: [", "YAML not well-formed"),
    ("AutoPublishAlias", "AutoPublishAlis", "key=Resources.Hello error="),
]


@pytest.mark.parametrize(("old", "new", "told"), BAD)
def test_a_template_with_a_mistake_is_told_and_the_old_one_stays(
    emulator: RunningEmulator,
    project: TemplateProject,
    functions: Any,
    old: str,
    new: str,
    told: str,
) -> None:
    before = resources(emulator)
    project.replace("template.yaml", old, new)
    emulator.wait_for_output(told)
    emulator.settle()
    assert said(functions) == "hello world 1"
    assert resources(emulator) == before


def test_a_reset_is_refused_while_the_template_has_a_mistake(
    emulator: RunningEmulator, project: TemplateProject
) -> None:
    before = resources(emulator)
    project.replace("template.yaml", "Value: !Ref ServerlessRestApi", "Value: !Ref Serverless")
    with pytest.raises(urllib.error.HTTPError):
        emulator.reset()
    assert resources(emulator) == before


def test_a_reset_makes_the_stack_anew(emulator: RunningEmulator, functions: Any) -> None:
    found = resources(emulator)
    emulator.client("sqs").send_message(QueueUrl=found["Jobs"], MessageBody="x", DelaySeconds=900)
    emulator.reset()
    assert said(functions) == "hello world 1"
    assert resources(emulator).keys() == found.keys()
    assert emulator.invocations("Hello")[1:] == []
