"""One running emulator: its rooms started, emptied and stopped."""

import contextlib
import shutil
import threading
import time
from datetime import UTC, datetime
from typing import Final, TextIO

from emulator.assembly import Assembly
from emulator.gateway import serve
from emulator.model.triggers.s3 import S3Trigger
from emulator.project import load
from emulator.sandbox import RunFolder
from emulator.settings import Settings
from emulator.storage import DataFolder

STOP_GRACE_S: Final = 10.0


class Emulator:
    """All rooms of one emulator, and the folder they share.

    `start` and `stop` are called by the thread that owns it. Every thread belongs to a room: the
    server, `Environments`, `Invoker`, `Reporter`, `Moto` and `Watcher` stop their own.
    """

    def __init__(self, settings: Settings, stderr: TextIO) -> None:
        """Build the rooms.

        Raises ProjectError for a project's file with mistakes, StorageError, PortTaken.
        """
        project = load(settings.project)
        self._data = None if settings.data_dir is None else DataFolder(settings.data_dir)
        self._settings = settings
        self._resetting = threading.Lock()  # held by the one reset that is under way
        self._run_folder = RunFolder()
        with contextlib.ExitStack() as undo:
            undo.callback(self._run_folder.close)
            self.rooms = Assembly(
                settings, project, self._data, self._run_folder, reset=self.reset, stderr=stderr
            )
            undo.pop_all()

    def start(self) -> None:
        """Deploy the project and answer requests; raises ProjectError, ListenError, StorageError.

        What an earlier process kept comes first, so that the project has the last word.
        """
        rooms = self.rooms
        rooms.stores.layers.restore()  # first: code that nobody has by then is deleted
        rooms.store.restore()
        rooms.deployer.forget_kept()
        rooms.durable.restore()
        self._open()
        self._start_debugged()
        for version, executions in rooms.store.provisioned():
            rooms.environments.provisioning.provision(version, executions)
        for version in rooms.store.snapshots():
            rooms.environments.take_snapshot(version)
        if rooms.watcher is not None:
            rooms.watcher.start()
        read = {mapping.service for mapping in rooms.mappings.all()}
        if services := sorted(read | ({"s3"} if self._uses_s3() else set())):
            rooms.moto.warm(services)
        if rooms.clock.is_frozen or rooms.clock.ahead_s:
            now = datetime.fromtimestamp(rooms.clock.now(), UTC).isoformat(timespec="seconds")
            rooms.reporter.event("clock.kept", now=now, frozen=rooms.clock.is_frozen)
        if resumed := rooms.durable.resume():
            rooms.reporter.event("durable.resumed", executions=resumed)
        if resumed := rooms.invoker.resume():
            rooms.reporter.event("events.resumed", events=resumed)

    def _open(self) -> None:
        """Deploy the project and listen; which of these comes first depends on the project."""
        rooms = self.rooms
        if not rooms.deployer.needs_port:
            rooms.deployer.apply()
        rooms.server = serve(
            rooms.router, self._settings.host, self._settings.port, rooms.router.fast_invoke
        )
        rooms.moto.listens_on(rooms.server.port, rooms.server.host)
        rooms.event_sources.start()
        if rooms.deployer.needs_port:
            rooms.deployer.apply()

    def stop(self, grace_s: float = STOP_GRACE_S) -> bool:
        """Let what runs finish for up to `grace_s`, then end all of it.

        False: the terminal took not all that there was to tell, and a thread still waits for it.
        """
        rooms = self.rooms
        deadline = time.monotonic() + grace_s
        rooms.deployer.stop()
        if rooms.watcher is not None:
            rooms.watcher.stop()
        rooms.admin.stop()
        rooms.event_sources.stop(grace_s)
        if left := rooms.durable.stop(max(deadline - time.monotonic(), 0.0)):
            rooms.reporter.notice(self._farewell(left, "durable execution", "end"))
        if lost := rooms.invoker.stop(max(deadline - time.monotonic(), 0.0)):
            rooms.reporter.notice(self._farewell(lost, "accepted event", "run"))
        # While the services still answer: extensions ship their last telemetry to them.
        rooms.environments.wind_down(max(deadline - time.monotonic(), 0.0))
        rooms.moto.stop()
        if rooms.server is not None:
            rooms.server.stop(max(deadline - time.monotonic(), 0.0))
        rooms.environments.stop(max(deadline - time.monotonic(), 0.0))
        if rooms.debugger is not None:
            rooms.debugger.stop()
        has_told_all = rooms.reporter.stop()
        self._run_folder.close()
        if self._data is not None:
            self._data.close()
        return has_told_all

    def _farewell(self, count: int, what: str, to_do: str) -> str:
        things = f"1 {what}" if count == 1 else f"{count} {what}s"
        if self._data is None:
            return f"{things} did not get to {to_do}."
        waits = "waits" if count == 1 else "wait"
        return f"{things} {waits} in {self._data.path} for the next start."

    def hurry(self) -> None:
        """Have `start` wait for nobody's answer any more; any thread may call."""
        self.rooms.deployer.stop()

    def abandon(self) -> None:
        """Remove what would outlast this process, which ends at once."""
        self._run_folder.remove()

    def reset(self) -> None:
        """Empty everything, then load the project again; of two at once, one comes after the other.

        Raises ProjectError or StorageError before it begins: the emulator is as it was.
        """
        with self._resetting:
            self._reset()

    def _reset(self) -> None:
        rooms = self.rooms
        rooms.deployer.check()
        rooms.moto.end_stacks()  # they would go on making functions
        rooms.documents.clear()  # and again below: what is written until then goes, too
        rooms.stores.reset()  # first of all rooms: from here on nothing is accepted, told or read
        # While their buckets are there: extensions ship the last of their telemetry.
        rooms.environments.settle()
        rooms.moto.reset()
        rooms.event_sources.reset()
        rooms.durable.reset()
        rooms.documents.clear()
        rooms.invoker.reset()
        rooms.environments.reset()
        shutil.rmtree(rooms.file_systems, ignore_errors=True)
        rooms.records.reset(rooms.clock.now())
        rooms.log_book.reset()
        rooms.metrics.reset()
        rooms.deployer.forget()
        rooms.deployer.apply()

    def _start_debugged(self) -> None:
        rooms = self.rooms
        if rooms.debugger is None:
            return
        versions = rooms.store.functions()
        for version in versions:
            rooms.environments.start_debugged(version)
        names = [version.name for version in versions]
        for name in rooms.debugger.missing(names):
            have = ", ".join(sorted(names)) or "none"
            text = f'There is no function "{name}" to debug yet (have: {have}).'
            rooms.reporter.notice(f"{text} It is debugged as soon as it is created.")

    def _uses_s3(self) -> bool:
        project = self.rooms.deployer.project
        return any(made.kind == "bucket" for made in project.resources) or any(
            isinstance(trigger, S3Trigger)
            for function in project.functions.values()
            for trigger in function.triggers
        )
