import os
import signal

import pytest

from emulator.sandbox.docker.process import ContainerProcess, exit_of
from emulator.sandbox.process import Exit


@pytest.mark.parametrize(
    ("status", "is_out_of_memory", "expected"),
    [
        (0, False, Exit(status=0)),
        (3, False, Exit(status=3)),
        (127, False, Exit(status=127)),
        (137, False, Exit(signal=signal.SIGKILL)),
        (137, True, Exit(signal=signal.SIGKILL, is_out_of_memory=True)),
        (139, False, Exit(signal=signal.SIGSEGV)),
        (1, True, Exit(status=1)),  # another process of the container was killed
        (255, False, Exit(status=255)),
    ],
)
def test_a_containers_status_tells_how_its_first_process_ended(
    status: int, is_out_of_memory: bool, expected: Exit
) -> None:
    assert exit_of(status, is_out_of_memory=is_out_of_memory) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (b"pid 12\n", None),
        (b"pid 12\nexit 1\n", Exit(status=1)),
        (b"pid 12\noom 137\n", Exit(signal=signal.SIGKILL, is_out_of_memory=True)),
        (b"refused fork/exec /x: is a directory\n", Exit(refusal="fork/exec /x: is a directory")),
    ],
)
def test_a_process_knows_what_it_was_told(told: bytes, expected: Exit | None) -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    process = process_on(read, [])
    os.write(write, told)
    assert process.poll() == expected
    os.close(write)
    process.close()


def test_when_the_engine_goes_its_containers_count_as_killed() -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    process = process_on(read, [])
    assert process.poll() is None
    os.close(write)
    assert process.poll() == Exit(signal=signal.SIGKILL)
    process.kill()  # there is nobody to ask any more
    process.close()


def test_kill_waits_until_the_end_is_told() -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    sent: list[int] = []

    def send(number: int) -> None:
        sent.append(number)
        os.write(write, b"exit 137\n")

    process = process_on(read, sent, send)
    process.kill()
    assert sent == [signal.SIGKILL]
    assert process.poll() == Exit(signal=signal.SIGKILL)
    os.close(write)
    process.close()


def process_on(exit_fd: int, sent: list[int], send: object = None) -> ContainerProcess:
    log_fd = os.open(os.devnull, os.O_RDONLY)
    return ContainerProcess(
        log_fd=log_fd,
        exit_fd=exit_fd,
        log_lag_s=0.0,
        has_init=False,
        send=send or sent.append,  # type: ignore[arg-type]  # a function of an int
        forget=lambda: None,
    )
