"""Hot reload: what is saved runs from the next invocation on."""

import threading
import time
import traceback
from pathlib import Path
from typing import Final

from emulator.control import FunctionChange, FunctionStore
from emulator.model import LATEST, FunctionVersion
from emulator.observe import Activity, Reporter
from emulator.project import git
from emulator.project.burst import Burst
from emulator.project.config import ProjectError
from emulator.project.deployer import Deployer
from emulator.project.file_change import Change, Progress
from emulator.project.file_events import FileEvents, file_events
from emulator.project.hold import Hold
from emulator.project.reload import ACTIVITY, Cause, Reloader
from emulator.project.snapshot import Snapshot

CATCH_UP_S: Final = 0.5  # callers go on after that, be it with old code


class Watcher:
    """Watches the code of every function that runs from its owner's files, and the project's file.

    The first event puts the functions concerned on hold, on the thread "file events"; the thread
    "reload" waits until it is quiet, compares contents and reloads. `_lock` guards `_bursts`,
    `_unseen` and `_open_files`; `_roots_lock` guards `_snapshots` and is held while roots are
    added and removed.
    """

    def __init__(
        self,
        store: FunctionStore,
        deployer: Deployer,
        reloader: Reloader,
        *,
        reporter: Reporter,
        activity: Activity,
    ) -> None:
        self._store = store
        self._deployer = deployer
        self._reloader = reloader
        self._reporter = reporter
        self._activity = activity
        self._events: FileEvents | None = None
        self._roots_lock = threading.Lock()
        self._snapshots: dict[Path, Snapshot] = {}  # by watched root
        self._lock = threading.Condition()
        self._bursts: dict[Path, Burst] = {}
        self._unseen: list[Snapshot] = []
        # Log files and the like, which never come to rest: a change once they are closed.
        self._open_files: set[str] = set()
        self._is_stopping = False
        self._was_invalid = False  # the project, when it was read last
        self._thread = threading.Thread(target=self._run, name="reload")
        store.subscribe(self._function_changed)

    def start(self) -> None:
        """Begin to watch, in the background; that counts as activity until it is done."""
        self._activity.begin(ACTIVITY)
        self._thread.start()

    def catch_up(self) -> None:
        """Return when whatever was saved before this call has its functions on hold.

        Any thread may call, before each `resolve`: it takes a microsecond when nothing happened.
        """
        if self._events is not None:
            self._events.catch_up(CATCH_UP_S)

    @property
    def is_caught_up(self) -> bool:
        """True when `catch_up` would not wait."""
        return self._events is None or self._events.is_caught_up

    def stop(self) -> None:
        """Watch nothing more, and keep nobody waiting; also when it was never started."""
        with self._lock:
            self._is_stopping = True
            self._lock.notify()
        if self._thread.ident is not None:
            self._thread.join()
        if self._events is not None:
            self._events.stop()
        for burst in self._bursts.values():
            burst.release()
        self._reloader.stop()

    # What is watched.

    def _function_changed(self, change: FunctionChange) -> None:
        version = change.new or change.old
        if version is not None and version.version == LATEST:
            self._watch_roots()

    def _watch_roots(self) -> None:
        """Watch exactly the roots of now. Once it returns no change of them goes unnoticed."""
        with self._roots_lock:
            if self._events is None:
                return
            roots = {
                root for each in self._store.functions() for root in self._deployer.roots(each)
            }
            wanted = {*self._deployer.files, *(root for root in roots if root is not None)}
            for root in self._snapshots.keys() - wanted:
                self._events.unwatch(root)
                del self._snapshots[root]
            for root in wanted - self._snapshots.keys():
                self._watch(root, self._events)

    def _watch(self, root: Path, events: FileEvents) -> None:
        try:
            events.watch(root)
        except OSError as error:
            self._unwatchable(root, error)
        self._snapshots[root] = snapshot = Snapshot(root)
        self._activity.begin(ACTIVITY)
        with self._lock:
            self._unseen.append(snapshot)
            self._lock.notify()

    def _unwatchable(self, root: Path, error: OSError) -> None:
        self._reporter.event(
            "watch.failed",
            folder=root,
            error=f"{error.strerror}: changes there may go unnoticed. On Linux raise"
            " fs.inotify.max_user_watches or max_user_instances (sysctl), or pass --no-watch.",
        )

    # What happened.

    def _note(self, change: Change) -> None:
        now_s = time.monotonic()
        with self._lock:
            if change.path in self._open_files:
                if change.progress is Progress.WRITING:
                    return
                self._open_files.discard(change.path)
            burst = self._bursts.get(change.root)
            if burst is None:
                self._activity.begin(ACTIVITY)
                holds = [Hold(self._store, each, now_s) for each in self._running(change.root)]
                burst = self._bursts[change.root] = Burst(now_s, holds)
            burst.note(change.path, change.progress, now_s)
            self._lock.notify()

    def _running(self, root: Path) -> list[FunctionVersion]:
        return [each for each in self._store.functions() if root in self._deployer.roots(each)]

    # What to do about it.

    def _run(self) -> None:
        try:
            with self._roots_lock:
                self._events = file_events(self._note, self._unwatchable)
            self._watch_roots()
            # Whoever saved it since the project was loaded: no event will tell.
            self._apply_project(time.monotonic())
        except OSError as error:
            self._unwatchable(self._deployer.project.folder, error)
        finally:
            self._activity.end(ACTIVITY)
        while not self._is_stopping:
            self._wait()
            now_s = time.monotonic()
            self._wait_for_git(now_s)
            self.catch_up()  # it is not quiet while events wait to be told, git's last ones too
            due, unseen = self._take(now_s)
            if unseen is not None:
                unseen.scan()
                self._activity.end(ACTIVITY)
            # The project first: what it adds or removes need not be reloaded.
            files = self._deployer.files
            for root in sorted(due, key=lambda root: root not in files):
                self._end(root, due[root])

    def _wait(self) -> None:
        """Wait until there is something to do; it may turn out to be nothing yet."""
        with self._lock:
            due_s, now_s = self._due_s(), time.monotonic()
            is_due = due_s is not None and due_s <= now_s
            if not is_due and not self._unseen and not self._is_stopping:
                self._lock.wait(None if due_s is None else due_s - now_s)

    def _wait_for_git(self, now_s: float) -> None:
        with self._lock:
            for root, burst in self._bursts.items():
                if self._over_s(root, burst) <= now_s and git.is_at_work(root):
                    burst.prolong(now_s)

    def _take(self, now_s: float) -> tuple[dict[Path, Burst], Snapshot | None]:
        """Bursts that are over, or else a root that is yet to be looked at."""
        with self._lock:
            due_s = self._due_s()
            if due_s is None or due_s > now_s:
                return {}, self._unseen.pop() if self._unseen else None
            over = [r for r, burst in self._bursts.items() if self._over_s(r, burst) <= now_s]
            due = {root: self._bursts.pop(root) for root in over}
            for burst in due.values():
                self._open_files |= burst.still_written
            return due, None

    def _due_s(self) -> float | None:
        dues = [self._over_s(root, burst) for root, burst in self._bursts.items()]
        # A branch switch changes the project's file and the code: both in one go.
        soonest = max if self._is_project_changing else min
        return soonest(dues) if dues else None

    def _over_s(self, root: Path, burst: Burst) -> float:
        # A branch that has no such folder has another project's file as well.
        is_project = root in self._deployer.files
        return burst.due_s(expects_return=is_project or not self._is_project_changing)

    @property
    def _is_project_changing(self) -> bool:
        return any(file in self._bursts for file in self._deployer.files)

    def _end(self, root: Path, burst: Burst) -> None:
        try:
            snapshot = self._snapshots.get(root)
            paths = burst.paths - burst.still_written
            changed = snapshot.changed(paths, burst.began_s) if snapshot else []
            if not changed and str(root) in paths and root.is_dir():
                changed = ["."]  # environments still show the folder that was in its place
            cause = Cause(changed=changed, began_s=burst.began_s)
            if changed and root in self._deployer.files:
                self._apply_project(cause.began_s)
                self._watch_roots()
            if changed and (running := self._running(root)):
                self._reloader.reload(root, running, self._deployer.roots, cause)
        except Exception:  # noqa: BLE001  our bug; the next save must find this thread alive
            self._reporter.event("reload.failed", error=traceback.format_exc())
        finally:
            burst.release()
            self._activity.end(ACTIVITY)

    def _apply_project(self, began_s: float) -> None:
        before = self._deployer.project
        try:
            fields = self._deployer.apply().fields
        except ProjectError as error:
            for problem in error.problems:
                self._reporter.event(
                    "project.invalid", file=error.file, key=problem.key or None, error=problem.text
                )
            self._was_invalid = True
            return
        if self._deployer.project.emulator != before.emulator:
            fields["needs_restart"] = "emulator"
        if self._deployer.project.template != before.template:
            fields["needs_restart"] = "template"
        if fields or self._was_invalid:
            ms = (time.monotonic() - began_s) * 1000
            self._reporter.event("project.applied", **fields, ms=ms)
        self._was_invalid = False
