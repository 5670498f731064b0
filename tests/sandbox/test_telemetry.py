"""Telemetry of real environments, as the extensions that subscribe get it."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.model import CodePackage, FunctionVersion
from emulator.observe import Activity, LogBook
from emulator.sandbox import Environments
from tests.sandbox.conftest import MakeFunction, Run
from tests.sandbox.telemetry_listener import Listener, listening

EXTENSION = """\
#!{python} -IS
import http.client, json, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
me = {{}}

def call(method, path, body=None, **headers):
    headers = {{name.replace("_", "-"): value for name, value in headers.items()}}
    api.request(method, path, body and json.dumps(body), {{**me, **headers}})
    answer = api.getresponse()
    return answer.headers, answer.read()

name = os.path.basename(__file__)
events = {{"events": ["INVOKE", "SHUTDOWN"]}}
headers, _ = call("POST", "/2020-01-01/extension/register", events, Lambda_Extension_Name=name)
me["Lambda-Extension-Identifier"] = headers["Lambda-Extension-Identifier"]
for subscription in json.loads(os.environ["SUBSCRIPTIONS"]):
    print(call("PUT", subscription.pop("path"), subscription)[1].decode(), flush=True)
while json.loads(call("GET", "/2020-01-01/extension/event/next")[1])["eventType"] == "INVOKE":
    print("extension at work", flush=True)
"""
HANDLER = "def handler(event, context):\n    print('handled')\n    return event"
TELEMETRY = {"path": "/2022-07-01/telemetry", "schemaVersion": "2022-12-13"}
LOGS = {"path": "/2020-08-15/logs", "schemaVersion": "2021-03-18"}
ALL = ["platform", "function", "extension"]
RUNTIME = f"python3.{sys.version_info.minor}"
Watched = Callable[..., FunctionVersion]


@pytest.fixture
def listener() -> Iterator[tuple[Listener, int]]:
    with listening() as made:
        yield made


@pytest.fixture
def watched(tmp_path: Path, function: MakeFunction, listener: tuple[Listener, int]) -> Watched:
    """Make a function whose extension subscribes: `watched(HANDLER, TELEMETRY)`."""

    def make(
        source: str, *subscriptions: dict[str, Any], types: list[str] = ALL, **settings: Any
    ) -> FunctionVersion:
        program = tmp_path / "layer" / "extensions" / "watcher"
        program.parent.mkdir(parents=True)
        program.write_text(EXTENSION.format(python=os.path.realpath(sys.executable)))
        program.chmod(0o755)
        where = {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{listener[1]}"}
        asked = [each | {"types": types, "destination": where} for each in subscriptions]
        return function(
            source,
            runtime=RUNTIME,
            layers=(CodePackage(folder=tmp_path / "layer", sha256="", size_bytes=1),),
            environment={"SUBSCRIPTIONS": json.dumps(asked)},
            **settings,
        )

    return make


class Feed:
    """The events that come to a listener, one after the other."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def until(self, kind: str) -> list[dict[str, Any]]:
        """Wait for the batch that ends with an event of this kind; return all since the last."""
        events: list[dict[str, Any]] = []
        while not events or events[-1]["type"] != kind:
            events += self._listener.batch()
        return events


@pytest.fixture
def feed(listener: tuple[Listener, int]) -> Feed:
    return Feed(listener[0])


def types_of(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("platform.") for event in events]


def test_a_subscriber_gets_the_whole_life_of_an_environment(
    watched: Watched, run: Run, environments: Environments, feed: Feed
) -> None:
    version = watched(HANDLER, TELEMETRY, types=["platform", "function"])
    run(version)
    first = feed.until("platform.runtimeDone")
    assert types_of(first) == [
        *("initStart", "telemetrySubscription", "initRuntimeDone", "initReport", "extension"),
        *("start", "function", "runtimeDone"),
    ]
    by_type = {event["type"]: event["record"] for event in first}
    assert by_type["function"] == "handled"
    assert by_type["platform.telemetrySubscription"] == {
        "name": "watcher",
        "state": "Subscribed",
        "types": ["platform", "function"],
    }
    second = run(version)
    # What came after the answer came when the environment was about to freeze.
    events = feed.until("platform.runtimeDone")
    assert types_of(events) == ["report", "start", "function", "runtimeDone"]
    assert events[0]["record"]["requestId"] == by_type["platform.start"]["requestId"]
    environments.retire(version)
    [report] = feed.until("platform.report")
    assert report["record"]["status"] == "success"
    # What extensions do after the answer counts, too.
    assert report["record"]["metrics"]["durationMs"] >= round(second.duration_ms, 3)


def test_output_of_extensions_is_told_as_such(watched: Watched, run: Run, feed: Feed) -> None:
    version = watched(HANDLER, TELEMETRY, types=["extension"])
    run(version)
    said, *_ = feed.until("extension")  # what it says of the event may be there already
    assert (said["type"], said["record"]) == ("extension", "OK")


def test_json_logs_are_told_as_objects_and_their_level_filters_the_log_only(
    watched: Watched, run: Run, feed: Feed
) -> None:
    source = "def handler(event, context):\n    print('{\"n\": 1}')\n    print('{broken')"
    version = watched(source, TELEMETRY, log_format="JSON", system_log_level="WARN")
    result = run(version)
    events = feed.until("platform.runtimeDone")
    records = [event["record"] for event in events if event["type"] == "function"]
    assert records == [{"n": 1}, "{broken"]
    assert "platform.start" in [event["type"] for event in events]
    assert b"platform.start" not in result.log.text


def test_the_logs_api_tells_of_ends(
    watched: Watched, run: Run, environments: Environments, feed: Feed, log_book: LogBook
) -> None:
    version = watched(HANDLER, LOGS, types=["platform"], log_group="/tests/logs-api")
    run(version)
    events = feed.until("platform.runtimeDone")
    assert types_of(events) == ["logsSubscription", "extension", "start", "runtimeDone"]
    assert list(events[-1]["record"]) == ["requestId", "status"]
    environments.retire(version)
    assert types_of(feed.until("platform.report")) == ["end", "report"]
    lines = [event.message for event in log_book.tail("/tests/logs-api").events]
    assert "LOGS\tName: watcher\tState: Subscribed\tTypes: [Platform]" in lines


def test_a_second_subscription_replaces_the_first(watched: Watched, run: Run, feed: Feed) -> None:
    newest = TELEMETRY | {"schemaVersion": "2025-01-29"}
    run(watched(HANDLER, TELEMETRY, newest, types=["platform"]))
    events = feed.until("platform.runtimeDone")
    states = [event["record"].get("state") for event in events]
    assert "Already subscribed" in states
    assert types_of(events).count("start") == 1


def test_an_invocation_does_not_wait_for_who_listens(
    watched: Watched, run: Run, listener: tuple[Listener, int], feed: Feed
) -> None:
    listener[0].may_answer.clear()
    version = watched(HANDLER, TELEMETRY)
    assert [run(version, number).payload for number in range(3)] == [b"0", b"1", b"2"]
    listener[0].may_answer.set()
    told: list[str] = []
    while told.count("runtimeDone") < 3:
        told += types_of(feed.until("platform.runtimeDone"))
    assert told.count("start") == 3


def test_a_failure_is_told_before_the_environment_is_reset(
    watched: Watched, run: Run, feed: Feed, activity: Activity
) -> None:
    source = "import os\ndef handler(event, context):\n    os._exit(3)"
    version = watched(source, TELEMETRY, types=["platform"])
    run(version)
    events = feed.until("platform.report")
    assert [event["record"].get("status") for event in events[-2:]] == ["error"] * 2
    assert events[-1]["record"]["errorType"] == "Runtime.ExitError"
    assert activity.wait_idle(10)  # else a new environment would run it
    run(version)
    again = feed.until("platform.report")
    assert types_of(again)[:2] == ["start", "initStart"]
    assert again[1]["record"]["phase"] == "invoke"
    assert {"telemetrySubscription", "runtimeDone"} <= set(types_of(again))


def test_nothing_is_told_where_nobody_listens(function: MakeFunction, run: Run) -> None:
    version = function(HANDLER, log_format="JSON")
    run(version)
    assert b"handled" in run(version).log.text
