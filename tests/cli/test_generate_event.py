import inspect
import json
import re
from typing import Any

import pytest

from emulator.cli.generate_event import as_text
from emulator.event_sources.samples import FILES, SAMPLES
from tests.cli.conftest import Run
from tests.running_emulator import REPOSITORY

KINDS = [(source, kind) for source, kinds in SAMPLES.items() for kind in kinds]


def test_an_event_is_printed_with_what_the_options_say(run: Run) -> None:
    done = run("generate-event", "s3", "put", "--bucket", "b", "--key", "a b@c.txt", "--size", "7")
    assert (done.returncode, done.stderr) == (0, "")
    [record] = json.loads(done.stdout)["Records"]
    assert record["s3"]["bucket"]["arn"] == "arn:aws:s3:::b"
    assert record["s3"]["object"]["key"] == "a+b%40c.txt"
    assert record["s3"]["object"]["size"] == 7
    assert record["eventTime"] == "2026-11-21T10:00:00.123Z"


def test_an_unknown_source_is_refused(run: Run) -> None:
    done = run("generate-event", "s4", "put")
    assert done.returncode == 2
    assert "No such command 's4'" in done.stderr


@pytest.mark.parametrize(("source", "kind"), KINDS)
def test_a_sample_is_json_and_the_same_every_time(source: str, kind: str) -> None:
    sample = SAMPLES[source][kind]
    assert json.loads(as_text(sample())) == json.loads(as_text(sample()))
    for parameter in inspect.signature(sample).parameters.values():
        assert parameter.default is not parameter.empty
    assert re.fullmatch(r"[A-Z].*\.", (inspect.getdoc(sample) or "").splitlines()[0])


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_events_is_what_the_command_prints(name: str) -> None:
    source, kind, options = FILES[name]
    event: Any = SAMPLES[source][kind](**options)
    assert (REPOSITORY / "events" / name).read_text() == as_text(event) + "\n"
