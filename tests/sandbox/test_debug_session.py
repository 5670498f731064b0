import select
import time

import pytest

from emulator.sandbox.debug_session import DebugSession


@pytest.fixture
def told() -> list[tuple[int, str]]:
    return []


def make(told: list[tuple[int, str]], *, waits: bool = False) -> DebugSession:
    return DebugSession(
        waits=waits,
        on_listening=lambda session, port, root: told.append((port, root)),
        on_end=lambda session: told.append((0, "")),
    )


def is_awake(session: DebugSession) -> bool:
    return bool(select.select([session.wakeup_fd], [], [], 0)[0])


def test_the_clock_runs_while_no_debugger_is_attached(told: list[tuple[int, str]]) -> None:
    session = make(told)
    assert not session.is_stopped
    assert session.now() <= session.now()
    session.close()


def test_the_clock_stands_still_until_the_last_of_two_debuggers_is_gone(
    told: list[tuple[int, str]],
) -> None:
    session = make(told)
    session.attach()
    session.attach()
    stopped = session.now()
    session.detach()
    assert session.now() == stopped
    assert session.is_stopped
    assert not is_awake(session)
    session.detach()
    assert not session.is_stopped
    assert is_awake(session)
    session.drain()
    assert not is_awake(session)
    session.close()


def test_the_clock_does_not_jump_when_it_runs_again(told: list[tuple[int, str]]) -> None:
    session = make(told)
    began_s, began = time.monotonic(), session.now()
    session.attach()
    select.select([], [], [], 0.2)
    session.detach()
    ran = session.now() - began  # asked first: it may be less than what it is compared with
    assert time.monotonic() - began_s - ran >= 0.2
    session.close()


def test_the_clock_starts_when_the_debugger_listens(told: list[tuple[int, str]]) -> None:
    session = make(told)
    session.launched()
    assert session.is_stopped
    session.listens_on(5678, "/var/task")
    assert not session.is_stopped
    assert told == [(5678, "/var/task")]
    session.close()


def test_where_one_waits_for_a_debugger_the_clock_starts_when_it_has_come_and_gone(
    told: list[tuple[int, str]],
) -> None:
    session = make(told, waits=True)
    session.launched()
    session.listens_on(5678, "/var/task")
    assert session.is_stopped
    session.attach()
    session.detach()
    assert not session.is_stopped
    session.close()


def test_nobody_waits_for_a_debugger_of_an_environment_that_was_replaced(
    told: list[tuple[int, str]],
) -> None:
    session = make(told, waits=True)
    session.launched()
    session.stop_waiting()
    assert not session.is_stopped
    session.close()


def test_the_end_is_told(told: list[tuple[int, str]]) -> None:
    session = make(told)
    session.ends()
    assert told == [(0, "")]
    session.close()


def test_a_debugger_may_leave_after_the_environment_has_ended(told: list[tuple[int, str]]) -> None:
    session = make(told)
    session.attach()
    session.close()
    session.detach()
