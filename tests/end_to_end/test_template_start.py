"""Starts with a template: what the stack needs meanwhile, what was kept, what `sam build` made."""

import io
import json
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from tests.end_to_end.template_project import RUNTIME, physical_ids
from tests.running_emulator import RunningEmulator, running_emulator

TEMPLATE = f"""
Globals:
  Function: {{Runtime: {RUNTIME}, Handler: app.handler}}
Transform: AWS::Serverless-2016-10-31
Parameters:
  Size: {{Type: Number}}
Resources:
  Maker: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: maker}}}}
  Made: {{Type: Custom::Made, Properties: {{ServiceToken: !GetAtt Maker.Arn, Size: !Ref Size}}}}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: worker
      Environment: {{Variables: {{SIZE: !GetAtt Made.Size}}}}
      Events: {{Jobs: {{Type: SQS, Properties: {{Queue: !GetAtt Jobs.Arn}}}}}}
  Jobs: {{Type: AWS::SQS::Queue, Properties: {{QueueName: jobs}}}}
  Packed:
    Type: AWS::Lambda::Function
    Properties:
      Code: packed.zip
      Runtime: {RUNTIME}
      Handler: app.handler
      Role: arn:aws:iam::000000000000:role/r
  Cdn: {{Type: AWS::CloudFront::Distribution, DependsOn: Packed}}
"""
MAKER = """
import json, urllib.request

def handler(event, context):
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": "made"}
    answer["Data"] = {"Size": event["ResourceProperties"]["Size"]}
    body = json.dumps(answer).encode()
    put = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(put).close()
"""
WORKER = """
import os, sys
def handler(event, context):
    return [os.environ["SIZE"], "REVISION"]
"""
BUILT = "Resources: {Worker: {Properties: {CodeUri: Worker}}}"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def pack(file: Path, answer: int) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", f"def handler(event, context):\n    return {answer}\n")
    file.write_bytes(content.getvalue())


def test_an_interrupt_ends_a_start_that_waits_for_an_answer(tmp_path: Path) -> None:
    silent = {"maker/app.py": "def handler(event, context):\n    pass\n", "worker/app.py": ""}
    write(tmp_path, {"template.yaml": TEMPLATE.replace("Number", "Number, Default: 1"), **silent})
    pack(tmp_path / "packed.zip", 1)
    command = [sys.executable, "-m", "emulator", "start", "--port", "0", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = []
        for line in process.stderr:
            told.append(line)
            if line.startswith("invoke.finished function=Maker"):
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, told
        assert "Ready" not in process.stderr.read()


def answer(emulator: RunningEmulator, function: str) -> Any:
    said = emulator.client("lambda").invoke(FunctionName=function)
    return json.loads(said["Payload"].read())


def test_a_project_goes_on_at_its_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    write(
        folder,
        {
            "template.yml": TEMPLATE,
            "samconfig.toml": "[default.deploy.parameters]\n"
            'stack_name = "corner-shop"\nparameter_overrides = "Size=7"\n',
            "maker/app.py": MAKER,
            "worker/app.py": WORKER.replace("REVISION", "source"),
        },
    )
    pack(folder / "packed.zip", 1)
    options = ("--data-dir", str(tmp_path / "data"))
    with running_emulator(folder, *options) as emulator:
        # The function of the custom resource answered before the emulator was ready.
        assert answer(emulator, "Worker") == ["7", "source"]
        emulator.wait_for_output("template.left_out resource=Cdn")
        assert answer(emulator, "Packed") == 1
        pack(folder / "packed.zip", 2)
        assert answer(emulator, "Packed") == 2
    # Dependencies, which only a build brings.
    write(
        folder,
        {
            "worker/requirements.txt": "anything\n",
            ".aws-sam/build/template.yaml": BUILT,
            ".aws-sam/build/Worker/app.py": WORKER.replace("REVISION", "built"),
        },
    )
    with running_emulator(folder, *options) as emulator:
        assert answer(emulator, "Worker") == ["7", "built"]
        emulator.wait_for_output("template.built resource=Worker")
        found = physical_ids(emulator.client("cloudformation"), "corner-shop")
        assert found["Packed"] == "Packed"
        mappings = emulator.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        assert [mapping["UUID"] for mapping in mappings] == [found["WorkerJobs"]]
        emulator.client("sqs").send_message(QueueUrl=found["Jobs"], MessageBody="x")
        emulator.settle()
        assert [each["source"] for each in emulator.invocations("Worker")] == ["sqs", "api"]
        build = folder / ".aws-sam" / "build"
        shutil.rmtree(build)  # as sam build begins
        write(build, {"Worker/app.py": WORKER.replace("REVISION", "again"), "template.yaml": BUILT})
        emulator.settle()
        assert answer(emulator, "Worker") == ["7", "again"]
        write(folder, {"worker/app.py": WORKER.replace("REVISION", "unbuilt")})
        emulator.wait_for_output("template.built_before resource=Worker")
        assert answer(emulator, "Worker") == ["7", "again"]
