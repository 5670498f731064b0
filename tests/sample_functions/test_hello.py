import base64
import json

from tests.running_emulator import REPOSITORY, RunningEmulator


def test_hello_greets_and_gives_the_event_back(emulator: RunningEmulator) -> None:
    event = (REPOSITORY / "events/hello.json").read_bytes()

    answer = emulator.client("lambda").invoke(FunctionName="hello", Payload=event, LogType="Tail")

    assert json.load(answer["Payload"]) == {
        "greeting": "Hello from hello",
        "event": json.loads(event),
    }
    assert 'hello got {"key1": "value1"' in base64.b64decode(answer["LogResult"]).decode()
