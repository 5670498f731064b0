from pathlib import Path
from textwrap import dedent

import pytest

from emulator.model.triggers import Trigger
from emulator.model.triggers.streams import KinesisTrigger, StreamOptions, TableTrigger
from emulator.project.config import ProjectError, load

FUNCTION = """
[functions.f]
code = "."
handler = "app.handler"
runtime = "python3.12"
[[functions.f.triggers]]
"""


def triggers(folder: Path, text: str) -> tuple[Trigger, ...]:
    (folder / "emulator.toml").write_text(FUNCTION + dedent(text))
    return load(folder).functions["f"].triggers


def test_a_stream_is_read_with_lambdas_defaults_from_its_beginning(tmp_path: Path) -> None:
    [trigger] = triggers(tmp_path, 'source = "kinesis"\nstream = "clicks"')
    assert trigger == KinesisTrigger(stream="clicks")
    assert trigger.summary == "kinesis://clicks"
    mapping = trigger.mapping("arn:f")
    assert mapping.starting_position == "TRIM_HORIZON"
    assert mapping.uuid == trigger.mapping("arn:f").uuid != trigger.mapping("arn:g").uuid


def test_every_option_is_read(tmp_path: Path) -> None:
    options = """
        source = "kinesis"
        stream = "clicks"
        starting_position = "AT_TIMESTAMP"
        starting_at = "1970-01-01T00:01:00"
        batch_size = 1000
        window_s = 5
        parallelization_factor = 2
        maximum_record_age_s = 60
        maximum_retries = 3
        bisect_batch = true
        tumbling_window_s = 30
        report_item_failures = true
        filters = [{ data = { kind = ["click"] } }]
        on_failure = "arn:aws:sqs:us-east-1:000000000000:failed"
    """
    [trigger] = triggers(tmp_path, options)
    assert isinstance(trigger, KinesisTrigger)
    [pattern] = trigger.options.filters
    assert "click" in pattern
    assert trigger.options == StreamOptions(
        starting_position="AT_TIMESTAMP",
        starting_at=60.0,
        batch_size=1000,
        window_s=5,
        parallelization_factor=2,
        maximum_record_age_s=60,
        maximum_retries=3,
        bisect_batch=True,
        tumbling_window_s=30,
        report_item_failures=True,
        filters=(pattern,),
        on_failure="arn:aws:sqs:us-east-1:000000000000:failed",
    )


def test_a_tables_mapping_has_one_uuid_whatever_its_stream(tmp_path: Path) -> None:
    [trigger] = triggers(tmp_path, 'source = "dynamodb"\ntable = "orders"')
    assert isinstance(trigger, TableTrigger)
    one, other = (trigger.mapping("arn:f", f"{trigger.table_arn}/stream/{n}") for n in "12")
    assert one.uuid == other.uuid
    assert one.source_arn != other.source_arn


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('source = "kinesis"', "triggers[0].stream: is missing"),
        ('source = "dynamodb"\ntable = "no spaces"', "is not a table's name"),
        ('source = "kinesis"\nstream = "s"\nbatch_size = 0', "0 is not between 1 and 10000"),
        ('source = "kinesis"\nstream = "s"\nmaximum_record_age_s = 5', "between 60 and 604800"),
        ('source = "kinesis"\nstream = "s"\nmaximum_retries = -2', "between -1 and 10000"),
        (
            'source = "dynamodb"\ntable = "tbl"\nstarting_position = "AT_TIMESTAMP"',
            '"AT_TIMESTAMP" is not a starting position',
        ),
        (
            'source = "kinesis"\nstream = "s"\nstarting_position = "AT_TIMESTAMP"',
            "starting_at: is missing",
        ),
        (
            'source = "kinesis"\nstream = "s"\nstarting_position = "AT_TIMESTAMP"\n'
            'starting_at = "soon"',
            '"soon" is no time like',
        ),
        ('source = "kinesis"\nstream = "s"\non_failure = "dlq"', "is not the ARN of a queue"),
        ('source = "kinesis"\nstream = "s"\nstarting_at = "x"', "starting_at: unknown key"),
        ('source = "kinesis"\nstream = "s"\nfilters = [{ data = 1 }]', "is no filter pattern"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ProjectError) as raised:
        triggers(tmp_path, text)
    assert problem in str(raised.value)
