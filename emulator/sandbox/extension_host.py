"""The extensions of one environment: their processes, what they print, what they fail with."""

import os
import selectors
import signal
from collections.abc import Callable, Sequence
from typing import Final

from emulator.runtime_api import SHUTDOWN, Extensions
from emulator.sandbox.failure import Failure, extension_crashed, extension_reported
from emulator.sandbox.log_events import LogEvents
from emulator.sandbox.output import Output
from emulator.sandbox.platform_log import PlatformLog
from emulator.sandbox.process import Exit, RuntimeProcess

_PIPE_BYTES: Final = 65_536


class ExtensionProcess:
    """One external extension's process. Used by one thread at a time."""

    def __init__(self, name: str, process: RuntimeProcess, output: Output) -> None:
        self.name = name
        self.process = process
        self.exit: Exit | None = None
        self._output = output
        self._events = LogEvents()

    def pull(self) -> bool:
        """Take over what it has printed; False once nobody can print any more."""
        try:
            data = os.read(self.process.log_fd, _PIPE_BYTES)
        except BlockingIOError:
            return True
        if not data:
            self._output.extension(self._events.end())
            return False
        self._output.extension(*self._events.feed(data))
        return True

    def poll(self) -> None:
        """Notice how it ended."""
        self.exit = self.process.poll()

    def end(self) -> None:
        """End it, and take over its last words."""
        self.process.kill()
        self.pull()
        self._output.extension(self._events.end())
        self.process.close()


class ExtensionHost:
    """All extensions of one environment, internal ones too. Used by one thread at a time.

    Its descriptors are served by the environment's selector.
    """

    def __init__(self, rules: Extensions, selector: selectors.BaseSelector, output: Output) -> None:
        self._rules = rules
        self._selector = selector
        self._output = output
        self._processes: list[ExtensionProcess] = []
        self._crashed: ExtensionProcess | None = None

    def start(self, names: Sequence[str], launch: Callable[[str], RuntimeProcess]) -> None:
        """Start external extensions, all at once."""
        self._rules.expect(names)
        for name in names:
            extension = ExtensionProcess(name, launch(name), self._output)
            self._processes.append(extension)
            process = extension.process
            self._selector.register(process.log_fd, selectors.EVENT_READ, self._puller(extension))
            self._selector.register(process.exit_fd, selectors.EVENT_READ, self._poller(extension))

    @property
    def processes(self) -> list[RuntimeProcess]:
        """The processes of the external ones."""
        return [each.process for each in self._processes]

    @property
    def has_failed(self) -> bool:
        """True when one ended, could not be started, or told of an error."""
        return self._crashed is not None or self._rules.failed is not None

    @property
    def are_gone(self) -> bool:
        """True when no external extension runs any more."""
        return all(each.exit is not None for each in self._processes)

    @property
    def are_external(self) -> bool:
        """True when one of them has a process of its own."""
        return bool(self._processes)

    def failure(self, request_id: str) -> Failure:
        """Return what went wrong; only when `has_failed`."""
        reported = self._rules.failed
        if reported is not None:
            return extension_reported(reported, request_id)
        assert self._crashed is not None
        assert self._crashed.exit is not None
        return extension_crashed(self._crashed.exit, request_id)

    def log_states(self, log: PlatformLog) -> None:
        """Write where each extension stands when an init phase is over."""
        for extension in self._rules.all:
            state, error_type = extension.state.value, extension.error_type
            if self._crashed is not None and extension.name == self._crashed.name:
                failure = self.failure("")
                state, error_type = "Exited", error_type or failure.error_type
                if failure.error_type == "Extension.LaunchError":
                    state = "LaunchError"
            log.extension(extension.name, state, extension.events, error_type)

    def kill_unsubscribed(self) -> None:
        """End those at once that did not ask to be told of the end."""
        told = {extension.name for extension in self._rules.subscribers(SHUTDOWN)}
        for each in self._processes:
            if each.name not in told:
                each.process.signal(signal.SIGKILL)

    def end(self) -> None:
        """End all processes, and forget them."""
        for each in self._processes:
            each.end()
            for fd in (each.process.log_fd, each.process.exit_fd):
                if fd in self._selector.get_map():
                    self._selector.unregister(fd)
        self._processes.clear()
        self._crashed = None

    def _puller(self, extension: ExtensionProcess) -> Callable[[], None]:
        def pull() -> None:
            if not extension.pull():
                self._selector.unregister(extension.process.log_fd)

        return pull

    def _poller(self, extension: ExtensionProcess) -> Callable[[], None]:
        def poll() -> None:
            extension.poll()
            if extension.exit is not None:
                self._selector.unregister(extension.process.exit_fd)
                self._crashed = self._crashed or extension

        return poll
