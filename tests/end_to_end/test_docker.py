"""Functions in containers of a real engine."""

import io
import os
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests import python_image
from tests.docker_engine import DockerEngine
from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import wait_until
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator, started_emulator

pytestmark = pytest.mark.docker

HANDLER: Final = """
    import os, pathlib, time

    TOKEN = os.urandom(8).hex()

    def handler(event, context):
        action = event.get("do")
        if action == "environment":
            return dict(os.environ)
        if action == "print":
            print(event["text"])
        elif action == "write":
            try:
                pathlib.Path(event["path"]).write_text("written")
            except OSError as error:
                return error.strerror
        elif action == "read":
            return pathlib.Path(event["path"]).read_text()
        elif action == "sleep":
            time.sleep(60)
        elif action == "exit":
            os._exit(event["status"])
        elif action == "allocate":
            return len(bytearray(event["mib"] * 1024 * 1024))
        elif action == "ask the extension":
            import urllib.request
            address = "http://sandbox.localdomain:" + pathlib.Path("/tmp/neighbour").read_text()
            with urllib.request.urlopen(address) as answer:
                return answer.status
        elif action == "health":
            import urllib.request
            address = os.environ["AWS_ENDPOINT_URL"] + "/_emulator/health"
            with urllib.request.urlopen(address) as answer:
                return answer.status
        return TOKEN
"""

# It notes in the shared /tmp what it hears of, and answers on the shared network.
EXTENSION: Final = f"""#!{python_image.PYTHON} -IS
import http.client, http.server, json, os, threading
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

def call(method, path, body=None, **headers):
    headers = {{name.replace("_", "-"): value for name, value in headers.items()}}
    api.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = api.getresponse()
    return answer.headers, json.loads(answer.read())

class Neighbour(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("sandbox.localdomain", 0), Neighbour)
threading.Thread(target=server.serve_forever, daemon=True).start()
name = os.path.basename(__file__)
events = json.dumps({{"events": ["INVOKE", "SHUTDOWN"]}})
headers, _ = call("POST", "register", events, Lambda_Extension_Name=name)
me = headers["Lambda-Extension-Identifier"]
with open("/tmp/neighbour", "w") as file:
    file.write(str(server.server_port))
print(name, "has", "_HANDLER" in os.environ, flush=True)
while True:
    _, event = call("GET", "event/next", Lambda_Extension_Identifier=me)
    print(name, "hears", event["eventType"], event.get("shutdownReason", ""), flush=True)
    if event["eventType"] == "SHUTDOWN":
        break
"""


def project(folder: Path, engine: DockerEngine, more: str = "") -> ProjectFolder:
    top = f"""
        [emulator]
        sandbox = "docker"
        [emulator.images]
        "{python_image.RUNTIME}" = "{engine.image}"
    """
    made = ProjectFolder(folder, top)
    made.add("f", HANDLER, f"timeout_s = 10\nmemory_mib = 128\n{more}")
    return made


@pytest.fixture(scope="module")
def emulator(
    docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningEmulator]:
    folder = tmp_path_factory.mktemp("project")
    made = project(folder, docker_engine)
    made.add("hasty", HANDLER, "timeout_s = 4")
    made.add("broken", "import nothing_of_that_name")
    extension = folder / "layer" / "extensions" / "watcher"
    extension.parent.mkdir(parents=True)
    extension.write_text(EXTENSION)
    extension.chmod(0o755)
    made.add("layered", HANDLER, 'layers = ["layer"]\ntimeout_s = 20')
    image = f'image = "{docker_engine.image}"'
    with made.file.open("a") as file:
        file.write(f'[functions.image]\n{image}\nimage_config.command = ["operator.ne"]\n')
        file.write(f'[functions.unstartable]\n{image}\nimage_config.entry_point = ["/none"]\n')
        file.write('[functions.nowhere]\nimage = "127.0.0.1:1/nothing"\n')
    with running_emulator(folder, DOCKER_HOST=docker_engine.host) as emulator:
        yield emulator


@pytest.fixture
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


def containers(engine: DockerEngine, **labels: str) -> list[Mapping[str, Any]]:
    wanted = [f"lambda-emulator.{name}={value}" for name, value in labels.items()]
    with engine.client() as client:
        found: list[Mapping[str, Any]] = client.containers(
            all=True, filters={"label": wanted or ["lambda-emulator.run"]}
        )
        return found


def volumes(engine: DockerEngine, run: object) -> list[Mapping[str, Any]]:
    with engine.client() as client:
        found = client.volumes(filters={"label": [f"lambda-emulator.run={run}"]})["Volumes"]
    return found or []


def of_function(
    engine: DockerEngine, emulator: RunningEmulator, name: str
) -> list[Mapping[str, Any]]:
    (run,) = emulator.scratch.glob("lambda-emulator-*")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    return containers(engine, run=str(run), function=arn)


def test_a_function_runs_in_a_container_of_its_runtimes_image(
    emulator: RunningEmulator, functions: Any, docker_engine: DockerEngine
) -> None:
    first = invoke(functions, "f", {})
    again = invoke(functions, "f", {})
    assert first.result == again.result
    (container,) = of_function(docker_engine, emulator, "f")
    assert container["Image"] == docker_engine.image


def test_the_environment_variables_are_those_of_lambda(functions: Any) -> None:
    variables = invoke(functions, "f", {"do": "environment"}).result
    assert variables["_HANDLER"] == "app.handler"
    assert variables["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{python_image.RUNTIME}"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert variables["LAMBDA_TASK_ROOT"] == "/var/task"
    assert variables["PATH"].startswith("/var/lang/bin:")  # the image's own


def test_a_function_reaches_the_emulator(functions: Any) -> None:
    assert invoke(functions, "f", {"do": "health"}).result == 200


def test_what_a_function_prints_is_in_its_log(functions: Any) -> None:
    answer = invoke(functions, "f", {"do": "print", "text": "grüße"})
    assert "grüße" in answer.log.splitlines()


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/var/task/x", "Read-only file system"),
        ("/x", "Read-only file system"),
        ("/dev/shm/x", "No such file or directory"),
    ],
)
def test_only_tmp_can_be_written_to(functions: Any, path: str, answer: str) -> None:
    assert invoke(functions, "f", {"do": "write", "path": path}).result == answer


def test_after_a_timeout_the_runtime_starts_anew_and_tmp_is_kept(
    emulator: RunningEmulator, functions: Any, docker_engine: DockerEngine
) -> None:
    before = invoke(functions, "hasty", {}).result
    invoke(functions, "hasty", {"do": "write", "path": "/tmp/kept"})
    answer = invoke(functions, "hasty", {"do": "sleep"})
    assert answer.error == ("Sandbox.Timedout", "Error: Task timed out after 4.00 seconds")
    assert invoke(functions, "hasty", {"do": "read", "path": "/tmp/kept"}).result == "written"
    assert invoke(functions, "hasty", {}).result != before
    assert len(of_function(docker_engine, emulator, "hasty")) == 1


def test_an_exit_is_told_with_its_status(functions: Any) -> None:
    answer = invoke(functions, "f", {"do": "exit", "status": 3})
    text = "Error: Runtime exited with error: exit status 3"
    assert answer.error == ("Runtime.ExitError", text)


def test_memory_is_limited_for_real(functions: Any) -> None:
    answer = invoke(functions, "f", {"do": "allocate", "mib": 400})
    text = "Error: Runtime exited with error: signal: killed"
    assert answer.error == ("Runtime.ExitError", text)
    assert "Max Memory Used: 128 MB" in answer.log
    assert "Error Type: Runtime.OutOfMemory" in answer.log


def test_an_init_error_is_that_of_the_runtime(functions: Any) -> None:
    answer = invoke(functions, "broken", {})
    assert answer.error[0] == "Runtime.ImportModuleError"


def test_an_extension_of_a_layer_runs_beside_the_runtime_and_hears_of_the_end(
    emulator: RunningEmulator, functions: Any, docker_engine: DockerEngine
) -> None:
    first = invoke(functions, "layered", {"do": "ask the extension"})
    assert first.result == 204
    assert len(of_function(docker_engine, emulator, "layered")) == 2
    assert invoke(functions, "layered", {"do": "exit", "status": 3}).error[0] == "Runtime.ExitError"
    emulator.wait_for_output("watcher hears SHUTDOWN failure")
    assert invoke(functions, "layered", {"do": "ask the extension"}).result == 204
    functions.update_function_configuration(FunctionName="layered", Timeout=19)
    emulator.wait_for_output("watcher hears SHUTDOWN spindown")
    assert wait_until(lambda: of_function(docker_engine, emulator, "layered") == [])
    logs = emulator.client("logs").filter_log_events(logGroupName="/aws/lambda/layered")
    lines = [event["message"].rstrip("\n") for event in logs["events"]]
    assert "watcher has False" in lines
    assert "watcher has True" not in lines
    assert lines.count("watcher hears INVOKE ") == 3


def test_an_extension_of_an_image_runs(docker_engine: DockerEngine, tmp_path: Path) -> None:
    with image_with_extension(docker_engine) as image:
        made = project(tmp_path, docker_engine)
        with made.file.open("a") as file:
            file.write(f'[functions.image]\nimage = "{image}"\n')
            file.write('image_config.command = ["operator.ne"]\n')
        with running_emulator(tmp_path, DOCKER_HOST=docker_engine.host) as emulator:
            assert invoke(emulator.client("lambda"), "image", {}).result is True
            emulator.wait_for_output("inside hears INVOKE")
            assert len(of_function(docker_engine, emulator, "image")) == 2


@contextmanager
def image_with_extension(engine: DockerEngine) -> Iterator[str]:
    """The tests' image with an extension in it."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("extensions/inside")
        entry.size, entry.mode = len(EXTENSION.encode()), 0o755
        tar.addfile(entry, io.BytesIO(EXTENSION.encode()))
    name = "lambda-emulator-test/with-extension"
    with engine.client() as client:
        container = client.create_container(engine.image, ["none"])["Id"]
        client.put_archive(container, "/opt", archive.getvalue())
        client.commit(container, name, str(os.getpid()))
        client.remove_container(container)
        yield f"{name}:{os.getpid()}"
        client.remove_image(f"{name}:{os.getpid()}", force=True)


def test_an_image_runs_with_the_command_that_the_function_sets(functions: Any) -> None:
    assert invoke(functions, "image", {}).result is True  # operator.ne(event, context)


def test_a_program_that_cannot_be_started_is_told(functions: Any) -> None:
    text = "Error: fork/exec /none: no such file or directory"
    assert invoke(functions, "unstartable", {}).error == ("Runtime.InvalidEntrypoint", text)


def test_an_image_that_cannot_be_pulled_is_told_at_start_and_to_who_invokes(
    emulator: RunningEmulator, functions: Any
) -> None:
    emulator.wait_for_output("docker.unusable function=nowhere")
    with pytest.raises(functions.exceptions.InvalidRuntimeException) as refused:
        invoke(functions, "nowhere", {})
    text = refused.value.response["Message"]
    assert text.startswith("127.0.0.1:1/nothing is not on the Docker engine and cannot be pulled.")


def test_code_that_is_saved_runs_in_the_next_invocation(
    docker_engine: DockerEngine, tmp_path: Path
) -> None:
    made = project(tmp_path, docker_engine)
    source = made.add("saved", "def handler(event, context):\n    return 1\n")
    with running_emulator(tmp_path, DOCKER_HOST=docker_engine.host) as emulator:
        functions = emulator.client("lambda")
        assert invoke(functions, "saved").result == 1
        source.write_text("def handler(event, context):\n    return 2\n")
        emulator.wait_for_output("reload.finished function=saved")
        assert invoke(functions, "saved").result == 2


def test_an_engine_on_another_machine_gets_the_code_and_sends_the_output(
    docker_engine: DockerEngine, tmp_path: Path
) -> None:
    if docker_engine.foreign_host is None:
        pytest.skip("DOCKER_HOST names an engine that has no second address")
    made = project(tmp_path, docker_engine)
    settings = '[emulator.docker]\nhost = "127.0.0.1"\nnetwork = "host"\n'
    made.file.write_text(made.file.read_text() + settings)
    with running_emulator(tmp_path, DOCKER_HOST=docker_engine.foreign_host) as emulator:
        functions = emulator.client("lambda")
        assert invoke(functions, "f", {"do": "health"}).result == 200
        invoke(functions, "f", {"do": "print", "text": "a line"})
        emulator.wait_for_output("a line")
        assert invoke(functions, "f", {"do": "exit", "status": 4}).error[0] == "Runtime.ExitError"
        assert invoke(functions, "f", {"do": "print", "text": "another"}).function_error is None
        emulator.wait_for_output("another")
        run = next(emulator.scratch.glob("lambda-emulator-*"))
        assert len(volumes(docker_engine, run)) == 2  # the code, and /tmp
    assert volumes(docker_engine, run) == []


def test_a_runtime_that_only_docker_has_runs_there_though_nobody_has_chosen(
    docker_engine: DockerEngine, tmp_path: Path
) -> None:
    made = ProjectFolder(tmp_path, f'[emulator.images]\n"dotnet8" = "{docker_engine.image}"\n')
    made.add("local", "import sys\ndef handler(event, context):\n    return sys.executable")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("app.py", "import sys\ndef handler(event, context):\n    return sys.path")
    with running_emulator(tmp_path, DOCKER_HOST=docker_engine.host) as emulator:
        functions = emulator.client("lambda")
        functions.create_function(
            FunctionName="f",
            Runtime="dotnet8",
            Handler="app.handler",
            Role="arn:aws:iam::000000000000:role/r",
            Code={"ZipFile": archive.getvalue()},
            Timeout=20,
        )
        functions.get_waiter("function_active_v2").wait(FunctionName="f")

        assert "/var/task" in invoke(functions, "f", {}).result
        assert len(of_function(docker_engine, emulator, "f")) == 1
        invoke(functions, "local", {})
        assert of_function(docker_engine, emulator, "local") == []


def test_containers_end_with_the_emulator(docker_engine: DockerEngine, tmp_path: Path) -> None:
    made = project(tmp_path, docker_engine)
    with running_emulator(made.path, DOCKER_HOST=docker_engine.host) as emulator:
        invoke(emulator.client("lambda"), "f", {})
        run = str(next(emulator.scratch.glob("lambda-emulator-*")))
        assert len(containers(docker_engine, run=run)) == 1
    assert containers(docker_engine, run=run) == []
    assert volumes(docker_engine, run) == []


def test_containers_of_a_killed_emulator_are_removed_by_the_next_one_and_no_others(
    docker_engine: DockerEngine, tmp_path: Path
) -> None:
    made = project(tmp_path / "project", docker_engine)
    host, shared = docker_engine.host, tmp_path / "shared"
    shared.mkdir()
    variables = {"DOCKER_HOST": host, "TMPDIR": str(shared)}
    with started_emulator(made.path, **variables) as living:
        invoke(living.client("lambda"), "f", {})
        (alive,) = shared.glob("lambda-emulator-*")
        with started_emulator(made.path, **variables) as killed:
            invoke(killed.client("lambda"), "f", {})
            (dead,) = set(shared.glob("lambda-emulator-*")) - {alive}
            killed.process.kill()
            killed.process.wait()
        assert len(containers(docker_engine, run=str(dead))) == 1
        with running_emulator(made.path, DOCKER_HOST=host) as emulator:
            invoke(emulator.client("lambda"), "f", {})
            assert containers(docker_engine, run=str(dead)) == []
            assert len(containers(docker_engine, run=str(alive))) == 1
            assert invoke(living.client("lambda"), "f", {}).function_error is None


def test_without_an_engine_start_and_invoke_say_what_to_do(tmp_path: Path) -> None:
    ProjectFolder(tmp_path).add("f", HANDLER, 'sandbox = "docker"')
    nowhere = f"unix://{tmp_path}/no.sock"
    with running_emulator(tmp_path, DOCKER_HOST=nowhere) as emulator:
        functions = emulator.client("lambda")
        emulator.wait_for_output("docker.unusable function=f")
        with pytest.raises(functions.exceptions.InvalidRuntimeException) as refused:
            invoke(functions, "f", {})
    text = f"No Docker engine answers at {nowhere} (no such file or directory). Start one"
    assert refused.value.response["Message"].startswith(text)


def test_nothing_runs_in_a_container_between_invocations(
    emulator: RunningEmulator, functions: Any, docker_engine: DockerEngine
) -> None:
    invoke(functions, "f", {})
    (container,) = of_function(docker_engine, emulator, "f")
    with docker_engine.client() as client:
        events = client.events(decode=True, filters={"container": container["Id"]})
        if not client.inspect_container(container["Id"])["State"]["Paused"]:
            assert any(event["Action"] == "pause" for event in events)
        events.close()
    assert invoke(functions, "f", {}).function_error is None
