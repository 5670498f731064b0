import tomllib

import pytest

from emulator.model.triggers.sns import SnsTrigger
from emulator.project.table import Problem, Table
from emulator.project.triggers import sns


def read(toml: str) -> tuple[SnsTrigger, list[str]]:
    problems: list[Problem] = []
    table = Table(tomllib.loads(toml), "triggers[0]", problems)
    trigger = sns.read(table)
    table.finish()
    return trigger, [problem.line for problem in problems]


@pytest.mark.parametrize(
    "policy",
    ['{ event = ["push", { prefix = "re" }] }', """'{"event": ["push", {"prefix": "re"}]}'"""],
)
def test_a_trigger_is_read_with_its_policy_as_table_or_json(policy: str) -> None:
    assert read(f'topic = "t"\nfilter_policy = {policy}\nfilter_scope = "MessageBody"') == (
        SnsTrigger(
            topic="t",
            filter_policy='{"event":["push",{"prefix":"re"}]}',
            filter_scope="MessageBody",
        ),
        [],
    )


def test_the_policy_may_be_left_out() -> None:
    assert read('topic = "t"') == (SnsTrigger(topic="t"), [])


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("", "triggers[0].topic: is missing"),
        ('topic = "t.fifo"', "a FIFO topic takes no functions"),
        ('topic = "t"\nfilter_policy = { a = "b" }', "is no filter policy"),
        ('topic = "t"\nfilter_policy = "{"', "is no filter policy"),
        ('topic = "t"\nfilter_policy = { a = [{ fits = 1 }] }', "Unrecognized match type fits"),
        ('topic = "t"\nfilter_scope = "MessageBody"', "means nothing without filter_policy"),
        (
            'topic = "t"\nfilter_policy = { a = ["b"] }\nfilter_scope = "Body"',
            '"Body" is not a scope of a filter policy',
        ),
        ('topic = "t"\npolicy = {}', "unknown key"),
    ],
)
def test_a_mistake_is_told(toml: str, problem: str) -> None:
    _, [found] = read(toml)
    assert problem in found
