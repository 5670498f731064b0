import base64
import json

import pytest

from emulator.sandbox.jdks import compilers
from tests.running_emulator import RunningEmulator


@pytest.mark.skipif(not compilers(), reason="no JDK on this machine")
def test_hello_java_greets_whom_the_event_names(emulator: RunningEmulator) -> None:
    answer = emulator.client("lambda").invoke(
        FunctionName="hello_java", Payload=b'{"name": "Ada"}', LogType="Tail"
    )

    assert json.load(answer["Payload"]) == {
        "text": "Hello, Ada!",
        "requestId": answer["ResponseMetadata"]["RequestId"],
    }
    assert "\ngreeting Ada\n" in base64.b64decode(answer["LogResult"]).decode()
