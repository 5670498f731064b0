"""What the change of a function, or the end of taking its snapshot, means for the other rooms."""

from collections.abc import Callable

from emulator.control import FunctionChange, Stores
from emulator.durable import DurableOnDemand
from emulator.model import FunctionVersion
from emulator.model.snapshot import SnapshotOutcome
from emulator.observe import Reporter
from emulator.sandbox import Environments


class FunctionChanges:
    """Passes on what happens to functions. Any thread may call."""

    def __init__(
        self,
        stores: Stores,
        environments: Environments,
        durable: DurableOnDemand,
        reporter: Reporter,
        *,
        listens: Callable[[], bool],
    ) -> None:
        """listens: whether the emulator can be reached by now."""
        self._stores = stores
        self._environments = environments
        self._durable = durable
        self._reporter = reporter
        self._listens = listens

    def changed(self, change: FunctionChange) -> None:
        """Have a function version replaced, made or deleted everywhere."""
        if change.old is not None:
            self._environments.retire(change.old)
            rooms = (self._stores.functions, self._stores.layers, self._environments)
            self._stores.code.collect([used for room in rooms for used in room.code_in_use()])
        if change.kind == "deleted" and change.old is not None:
            self._durable.function_deleted(change.old)
        if change.new is not None:
            self._environments.warm(change.new)
            if self._listens():  # else what it is told would lead nowhere yet
                self._environments.start_debugged(change.new)
                if change.new.snap_start:
                    self._environments.take_snapshot(change.new)

    def snapshot_ended(self, version: FunctionVersion, outcome: SnapshotOutcome) -> None:
        """Tell the function's store, and people, what came of taking a snapshot."""
        self._stores.functions.optimized(version, outcome)
        facts = {"function": version.name, "version": version.version}
        if outcome.has_failed:
            self._reporter.event("snapstart.failed", **facts, reason=outcome.reason)
        elif not outcome.is_taken:
            effect = "each environment runs its init phase, as without SnapStart"
            self._reporter.event(
                "snapstart.without_snapshot", **facts, reason=outcome.reason, effect=effect
            )
        elif outcome.threads:
            self._reporter.event(
                "snapstart.threads",
                **facts,
                threads=", ".join(outcome.threads),
                effect="the init phase started them; restored environments do not have them",
                hint="start them in an after-restore hook, or in the handler",
            )
