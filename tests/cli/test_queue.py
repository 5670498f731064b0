import json

from tests.cli.conftest import FakeEmulator, Run

QUEUE = {
    "depth": 3,
    "running": 1,
    "oldest_age_s": 61.04,
    "next_due_s": 59.96,
    "given_up": 2,
    "dropped": 1,
    "functions": [
        {
            "name": "orders",
            "arn": "arn:aws:lambda:us-east-1:000000000000:function:orders",
            "depth": 2,
            "running": 0,
            "attempts": 1,
            "oldest_age_s": 61.04,
            "next_due_s": 59.96,
        },
        {
            "name": "resize",
            "arn": "arn:aws:lambda:us-east-1:000000000000:function:resize",
            "depth": 1,
            "running": 1,
            "attempts": 0,
            "oldest_age_s": 0.0,
            "next_due_s": None,
        },
    ],
}
EMPTY = {"depth": 0, "functions": [], "given_up": 0, "dropped": 0}


def test_queues_are_a_table(fake: FakeEmulator, run: Run) -> None:
    fake.body = json.dumps(QUEUE).encode()
    done = run("queue")
    assert done.stdout.splitlines() == [
        "FUNCTION  EVENTS  RUNNING  ATTEMPTS  OLDEST  NEXT DUE",
        "orders    2       0        1         61.0 s  in 60.0 s",
        "resize    1       1        0         0.0 s   -",
    ]
    assert done.stderr == (
        "since the start 2 were given up, and 1 dropped because their function was deleted\n"
    )


def test_queues_are_json_for_programs(fake: FakeEmulator, run: Run) -> None:
    fake.body = json.dumps(QUEUE).encode()
    assert json.loads(run("queue", "--json").stdout) == QUEUE
    assert fake.asked[0][:2] == ("GET", "/_emulator/queue?")


def test_empty_queues_are_said_to_be_empty(fake: FakeEmulator, run: Run) -> None:
    fake.body = json.dumps(EMPTY).encode()
    done = run("queue")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"no events wait at {fake.url}\n"
