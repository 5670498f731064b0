import tomllib

import pytest

from emulator.model.triggers.sqs import SqsTrigger
from emulator.project.table import Problem, Table
from emulator.project.triggers import sqs


def read(toml: str) -> tuple[SqsTrigger, list[str]]:
    problems: list[Problem] = []
    table = Table(tomllib.loads(toml), "triggers[0]", problems)
    trigger = sqs.read(table)
    table.finish()
    return trigger, [problem.line for problem in problems]


def test_a_trigger_is_read_with_all_its_options() -> None:
    assert read(
        """
        queue = "orders"
        batch_size = 100
        window_s = 5
        filters = [{ body = { kind = ["new"] } }, '{"body":["x"]}']
        report_item_failures = true
        maximum_concurrency = 4
        """
    ) == (
        SqsTrigger(
            queue="orders",
            batch_size=100,
            window_s=5,
            filters=('{"body":{"kind":["new"]}}', '{"body":["x"]}'),
            report_item_failures=True,
            maximum_concurrency=4,
        ),
        [],
    )
    assert read('queue = "orders.fifo"') == (SqsTrigger(queue="orders.fifo"), [])


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("", "triggers[0].queue: is missing"),
        ('queue = "a b"', 'triggers[0].queue: "a b" is not a queue'),
        ('queue = "q"\nbatch_size = 0', "triggers[0].batch_size: 0 is not between 1 and 10000"),
        ('queue = "q"\nbatch_size = 11', "triggers[0]: Maximum batch window in seconds must be"),
        ('queue = "q.fifo"\nwindow_s = 1', "triggers[0]: Batching window is not supported"),
        ('queue = "q"\nmaximum_concurrency = 1', "triggers[0].maximum_concurrency: 1 is not"),
        ('queue = "q"\nfilters = [{ body = "x" }]', "triggers[0].filters[0]: is no filter pattern"),
        ('queue = "q"\nfilters = [3]', "triggers[0].filters[0]: must be a table or a string"),
        ('queue = "q"\nbatchsize = 3', "triggers[0].batchsize: unknown key"),
    ],
)
def test_a_mistake_names_its_key(toml: str, problem: str) -> None:
    _, (line,) = read(toml)
    assert line.startswith(problem)


def test_the_mapping_has_the_same_uuid_at_each_start() -> None:
    trigger = SqsTrigger(queue="q")
    assert trigger.mapping("f").uuid == SqsTrigger(queue="q", batch_size=5).mapping("f").uuid
    assert trigger.mapping("f").uuid != trigger.mapping("g").uuid
