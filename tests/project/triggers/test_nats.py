from pathlib import Path

import pytest

from emulator.model.triggers.nats import NatsTrigger
from emulator.project.config import ProjectError, load

FUNCTION = '[functions.f]\ncode = "."\nhandler = "app.handler"\nruntime = "python3.12"\n'
TRIGGER = '[[functions.f.triggers]]\nsource = "nats"\n'


def write(folder: Path, lines: str, server: str = "") -> None:
    (folder / "emulator.toml").write_text(server + FUNCTION + TRIGGER + lines)


@pytest.mark.parametrize(
    ("lines", "trigger"),
    [
        ('subject = "a.*"', NatsTrigger(subject="a.*")),
        ('subject = "a"\nqueue = "q"', NatsTrigger(subject="a", queue="q")),
        (
            'subject = "a"\nstream = "S"\nconsumer = "c"\nmax_deliver = 1\nack_wait_s = 2\n'
            'dead_letter = "d"',
            NatsTrigger(
                subject="a",
                stream="S",
                consumer="c",
                max_deliver=1,
                ack_wait_s=2,
                dead_letter="d",
            ),
        ),
    ],
)
def test_a_trigger_is_read(tmp_path: Path, lines: str, trigger: NatsTrigger) -> None:
    write(tmp_path, lines, '[nats]\nurl = "nats://h"\n')
    project = load(tmp_path)
    assert project.functions["f"].triggers == (trigger,)
    assert project.nats_url == "nats://h:4222"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("", "subject: is missing"),
        ('subject = ""', 'subject: "" is not a subject'),
        ("subject = 3", "subject: must be a string"),
        ('subject = "a..b"', 'subject: "a..b" is not a subject like orders.new'),
        (
            'subject = "a"\nstream = "S"\nmax_deliver = 0',
            "max_deliver: 0 is not between 1 and 1000000",
        ),
        ('subject = "a"\nstream = "S"\nack_wait_s = 0', "ack_wait_s: 0 is less than 0.1"),
        ('subject = "a"\ndead_letter = "d"', "dead_letter: needs a stream"),
        ('subject = "a"\ngroup = "q"', "group: unknown key"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, lines: str, problem: str) -> None:
    write(tmp_path, lines)
    with pytest.raises(ProjectError) as caught:
        load(tmp_path)
    (found,) = caught.value.problems
    assert found.line.startswith(f"functions.f.triggers[0].{problem}")
