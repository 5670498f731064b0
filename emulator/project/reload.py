"""Putting new code in the place of old."""

import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emulator.control import CodeStore, FunctionStore, Target
from emulator.model import CodePackage, FunctionVersion, LambdaError
from emulator.observe import Activity, Reporter
from emulator.project.apply import read_code
from emulator.project.hold import Hold
from emulator.project.load_error import LoadError, load_error

# Of the functions that share a folder; the others load at their next invocation. Each one costs
# a process, and one folder may hold the code of a hundred functions.
PREPARED: Final = 8
ACTIVITY: Final = "reloads"

Prepare = Callable[[FunctionVersion], bytes | None]
"""Starts an execution environment ahead; None when the code loaded, else Lambda's error object."""

Roots = Callable[[FunctionVersion], Sequence[Path | None]]
"""Where the owner edits the code and then each layer; None for what was uploaded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Why a reload happens."""

    changed: Sequence[str]  # paths below the root, at least one
    began_s: float  # on time.monotonic

    @property
    def ms(self) -> float:
        """Since the first change."""
        return (time.monotonic() - self.began_s) * 1000

    @property
    def fields(self) -> dict[str, object]:
        """`changed` and `ms` of the line that tells about a reload."""
        more = f" (+{len(self.changed) - 1} more)" if len(self.changed) > 1 else ""
        return {"changed": self.changed[0] + more, "ms": self.ms}


class Reloader:
    """Deploys changed code and loads it once before callers get at it.

    One thread at a time calls `reload` and `stop`. Code loads on the threads "reload_…", so that
    a slow init phase does not keep the next save waiting: whoever deploys last wins.
    """

    def __init__(
        self,
        store: FunctionStore,
        code: CodeStore,
        *,
        prepare: Prepare,
        reporter: Reporter,
        activity: Activity,
    ) -> None:
        self._store = store
        self._code = code
        self._prepare = prepare
        self._reporter = reporter
        self._activity = activity
        self._threads = ThreadPoolExecutor(thread_name_prefix="reload")
        self._holds: dict[str, Hold] = {}  # the newest, by function ARN

    def reload(
        self, root: Path, versions: Sequence[FunctionVersion], roots: Roots, cause: Cause
    ) -> None:
        """Deploy what lies at `root` as the code, or a layer, of these functions."""
        try:
            package = read_code(self._code, root)
        except (LambdaError, OSError) as error:
            versions = self._without_code(root, versions, cause, _text(error))
            if not versions:
                return
            package = self._code.from_live_folder(root)
        for position, old in enumerate(versions):
            hold = Hold(self._store, old, cause.began_s)
            try:
                new = self._deploy(old, root, package, roots)
            except LambdaError as error:  # deleted meanwhile
                hold.release()
                self._failed(old, cause, LoadError(_text(error), None))
                continue
            self._supersede(old, hold)
            self._activity.begin(ACTIVITY)
            if position < PREPARED:
                self._threads.submit(self._load, new, hold, cause)
            else:
                self._end(new, hold, cause, None)

    def _without_code(
        self, root: Path, versions: Sequence[FunctionVersion], cause: Cause, text: str
    ) -> Sequence[FunctionVersion]:
        """Return those whose whole code has gone; of the others tell what is wrong.

        They have nothing left to run, whatever some environment still has in memory.
        """
        has_gone = not root.exists()
        gone: list[FunctionVersion] = []
        for version in versions:
            if has_gone and version.code.is_live and version.code.folder == root:
                gone.append(version)
            else:
                self._failed(version, cause, LoadError(text, None))
        return gone

    def stop(self) -> None:
        """Load nothing more. What loads now ends with the environments, and its thread with it."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for hold in self._holds.values():
            hold.release()

    def _supersede(self, version: FunctionVersion, hold: Hold) -> None:
        before = self._holds.get(version.arn)
        self._holds[version.arn] = hold
        if before is not None:  # older code that still loads concerns nobody any more
            before.release()

    def _deploy(
        self, version: FunctionVersion, root: Path, package: CodePackage, roots: Roots
    ) -> FunctionVersion:
        target = Target(version.account, version.region, version.name)
        code, *layers = (
            package if place == root else old
            for place, old in zip(roots(version), (version.code, *version.layers), strict=True)
        )
        return self._store.reload(target, code, layers).version

    def _load(self, version: FunctionVersion, hold: Hold, cause: Cause) -> None:
        error = None
        try:
            if self._is_current(version) and (body := self._prepare(version)):
                error = load_error(body, version.code.folder)
        except LambdaError as refused:
            error = LoadError(refused.message, None)
        except Exception:  # noqa: BLE001  our bug; the next invocation starts an environment itself
            error = LoadError(traceback.format_exc(), None)
        self._end(version, hold, cause, error)

    def _end(
        self, version: FunctionVersion, hold: Hold, cause: Cause, error: LoadError | None
    ) -> None:
        hold.release()
        is_current = self._is_current(version)
        if is_current and error is None:
            self._reporter.event("reload.finished", function=version.name, **cause.fields)
        elif is_current and error is not None:
            self._failed(version, cause, error)
        self._activity.end(ACTIVITY)

    def _is_current(self, version: FunctionVersion) -> bool:
        return any(each.deployment == version.deployment for each in self._store.functions())

    def _failed(self, version: FunctionVersion, cause: Cause, error: LoadError) -> None:
        self._reporter.event(
            "reload.failed",
            function=version.name,
            **cause.fields,
            place=error.place,
            error=error.message,
        )


def _text(error: LambdaError | OSError) -> str:
    return error.message if isinstance(error, LambdaError) else str(error)
