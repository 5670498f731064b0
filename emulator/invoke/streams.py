"""Invocations whose callers read along, each on a thread beside its caller's.

The caller's thread waits for its client, who may be slow; the function's time goes on meanwhile.
"""

import logging
from collections.abc import Callable

from emulator.invoke.response_channel import ResponseChannel
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model import InvocationResult, LambdaError

log = logging.getLogger("emulator.invoke")


class Streams:
    """Starts them. Any thread may call."""

    def __init__(self) -> None:
        self._threads = RunnerThreads("stream")

    def start(self, run: Callable[[ResponseChannel], InvocationResult]) -> ResponseChannel:
        """Have `run` fill a channel, and return it once the response has begun or failed.

        Raises the LambdaError with which `run` says that nothing ran.
        """
        channel = ResponseChannel()
        try:
            self._threads.start(lambda: _fill(channel, run))
        except RuntimeError as error:
            raise LambdaError("ServiceException", f"The machine has no thread: {error}") from error
        channel.wait_begun()
        return channel

    def stop(self, timeout_s: float) -> None:
        """Wait for those that run; start no more."""
        self._threads.stop(timeout_s)


def _fill(channel: ResponseChannel, run: Callable[[ResponseChannel], InvocationResult]) -> None:
    try:
        channel.finish(run(channel))
    except LambdaError as error:
        channel.fail(error)
    except Exception:  # top of a thread: its caller waits and is told, the thread takes the next
        log.exception("stream.failed")
        channel.fail(LambdaError("ServiceException", "The emulator's log has the cause."))
