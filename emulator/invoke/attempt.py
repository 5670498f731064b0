"""One attempt to run a function: admit, run, record, report."""

from typing import Final

from emulator.invoke.admission import Admission, Place, is_provisioned
from emulator.invoke.neighbours import Environments, Resolver
from emulator.model import (
    Clock,
    FunctionVersion,
    Invocation,
    InvocationResult,
    LambdaError,
    ResolvedFunction,
    Status,
)
from emulator.model.steps import Afterwards, Steps, finish
from emulator.observe import Activity, InvocationRecord, Metrics, Records, Reporter
from emulator.runtime_api import ResponseSink

INVOCATIONS: Final = "invocations"  # the kind of activity


class Attempts:
    """The one place where invocations enter the sandbox. Any thread may call."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        environments: Environments,
        admission: Admission,
        records: Records,
        metrics: Metrics,
        reporter: Reporter,
        activity: Activity,
        clock: Clock,
    ) -> None:
        self._resolver = resolver
        self._environments = environments
        self._admission = admission
        self._records = records
        self._metrics = metrics
        self._reporter = reporter
        self._activity = activity
        self._clock = clock

    def run(
        self,
        resolved: ResolvedFunction,
        invocation: Invocation,
        accepted_at: float,
        sink: ResponseSink | None = None,
    ) -> InvocationResult:
        """Run `invocation` to its end; raises `LambdaError` when nothing ran.

        accepted_at: when the request came in, in seconds since the epoch. sink: reads along what
        the function streams.
        """
        return finish(self.steps(resolved, invocation, accepted_at, sink))

    def steps(
        self,
        resolved: ResolvedFunction,
        invocation: Invocation,
        accepted_at: float,
        sink: ResponseSink | None = None,
    ) -> Steps[InvocationResult]:
        """Do what `run` does, step by step."""
        version = resolved.version
        place = self._admit(resolved)
        self._activity.begin(INVOCATIONS)
        started_at = self._clock.now()
        self._metrics.started(version, started_at)
        if resolved.provisioned:
            self._metrics.provisioned(
                resolved,
                started_at,
                in_use=self._admission.provisioned_in_use(version),
                is_spilled=not is_provisioned(place),
            )
        try:
            result = yield from self._environments.steps(version, invocation, sink)
            while not result.has_run and (newer := self._saved_since(version, invocation)):
                version = newer
                result = yield from self._environments.steps(version, invocation, sink)
        except BaseException:
            self._end(resolved, place, None)
            raise
        record = InvocationRecord(
            function_version=version,
            invocation=invocation,
            result=result,
            accepted_at=accepted_at,
            started_at=started_at,
            finished_at=self._clock.now(),
        )
        yield Afterwards(lambda: self._keep(record, resolved, place))
        return result

    def _keep(self, record: InvocationRecord, resolved: ResolvedFunction, place: Place) -> None:
        try:
            # Before the activity ends: who waits until all is idle finds every record.
            self._records.add(record)
        finally:
            self._end(resolved, place, record)
        self._report(record)

    def _end(
        self, resolved: ResolvedFunction, place: Place, record: InvocationRecord | None
    ) -> None:
        self._metrics.ended(resolved.version, record)
        self._admission.leave(place)
        self._activity.end(INVOCATIONS)

    def _admit(self, resolved: ResolvedFunction) -> Place:
        try:
            return self._admission.enter(resolved)
        except LambdaError:
            self._metrics.throttled(resolved.version, resolved.invoked_arn)
            raise

    def _saved_since(
        self, version: FunctionVersion, invocation: Invocation
    ) -> FunctionVersion | None:
        """Return the version that took the place of one whose code did not load, if one did.

        Code that runs from its owner's folder may be read while it is half saved. Its handler has
        not seen the event, so the event may go to what was saved in the end.
        """
        if not version.code.is_live:
            return None
        qualifier = invocation.invoked_arn.split(":")[7:]
        found = self._resolver.resolve(
            version.account, version.region, version.name, qualifier[0] if qualifier else None
        ).version
        return found if found.deployment != version.deployment else None

    def _report(self, record: InvocationRecord) -> None:
        result, invocation = record.result, record.invocation
        self._reporter.event(
            "invoke.finished",
            function=record.function_version.name,
            version=result.executed_version,
            request=invocation.request_id,
            env=result.environment_id,
            status="ok" if result.status is Status.SUCCESS else result.status.value,
            error=result.failure,
            source=None if invocation.source == "api" else invocation.source,
            attempt=None if invocation.attempt == 1 else invocation.attempt,
            cold=result.init_ms is not None or result.restore_ms is not None,
            init_ms=result.init_ms,
            restore_ms=result.restore_ms,
            ms=result.duration_ms,
        )
