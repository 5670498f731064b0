"""One attempt to run a function: admit, run, record, report."""

from emulator.invoke.admission import Admission
from emulator.invoke.neighbours import Environments
from emulator.model import Clock, Invocation, InvocationResult, ResolvedFunction, Status
from emulator.observe import Activity, InvocationRecord, Records, Reporter


class Attempts:
    """The one place where invocations enter the sandbox. Any thread may call."""

    def __init__(
        self,
        *,
        environments: Environments,
        admission: Admission,
        records: Records,
        reporter: Reporter,
        activity: Activity,
        clock: Clock,
    ) -> None:
        self._environments = environments
        self._admission = admission
        self._records = records
        self._reporter = reporter
        self._activity = activity
        self._clock = clock

    def run(
        self, resolved: ResolvedFunction, invocation: Invocation, accepted_at: float
    ) -> InvocationResult:
        """Run `invocation` to its end; raises `LambdaError` when nothing ran.

        accepted_at: when the request came in, in seconds since the epoch.
        """
        version = resolved.version
        self._admission.enter(version.account, version.region)
        self._activity.begin("invocations")
        try:
            started_at = self._clock.now()
            result = self._environments.run(version, invocation)
            record = InvocationRecord(
                function_version=version,
                invocation=invocation,
                result=result,
                accepted_at=accepted_at,
                started_at=started_at,
                finished_at=self._clock.now(),
            )
            # Before the activity ends: who waits until all is idle finds every record.
            self._records.add(record)
        finally:
            self._admission.leave(version.account, version.region)
            self._activity.end("invocations")
        self._report(record)
        return result

    def _report(self, record: InvocationRecord) -> None:
        result, invocation = record.result, record.invocation
        self._reporter.event(
            "invoke.finished",
            function=record.function_version.name,
            version=result.executed_version,
            request=invocation.request_id,
            env=result.environment_id,
            status="ok" if result.status is Status.SUCCESS else result.status.value,
            error=result.error_type,
            source=None if invocation.source == "api" else invocation.source,
            attempt=None if invocation.attempt == 1 else invocation.attempt,
            cold=result.init_ms is not None,
            init_ms=result.init_ms,
            ms=result.duration_ms,
        )
