"""Functions as the back end of something that answers over HTTP: asked, timed, allowed or not."""

import threading
import traceback
from collections.abc import Mapping
from typing import Any, Final

from emulator.event_sources.http_messages import compact, utf8
from emulator.event_sources.source import Surroundings
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model import Call, InvocationResult, LambdaError

_INIT_S: Final = 10.0  # an init phase comes on top of the function's own timeout


class NotAllowed(Exception):
    """The function's policy does not let the front end invoke it."""


class TookTooLong(Exception):
    """The function has not answered in time; it goes on, and its answer is nobody's."""


class FunctionCalls:
    """Runs functions for front ends. Any thread may call.

    Most calls run on the caller's thread. One that may outlast the front end's limit runs on a
    thread of its own, so that the client can be told in time.
    """

    def __init__(
        self, around: Surroundings, source: str, principal: str, trusted: str | None = None
    ) -> None:
        """trusted: an API whose functions the project's own file bound to it."""
        self._around = around
        self._trusted = trusted
        self._source = source
        self._principal = principal
        self._threads = RunnerThreads(f"{source}-call")
        self._lock = threading.Lock()
        self._warned: set[tuple[str, str]] = set()  # guarded by `_lock`

    def run(
        self,
        arn: str,
        event: Mapping[str, Any] | bytes,
        *,
        source_arn: str,
        account: str,
        timeout_s: float,
        trace: str | None,
        tenant_id: str | None = None,
    ) -> InvocationResult:
        """Run the function and wait up to `timeout_s` real seconds.

        source_arn, account: of the front end. tenant_id: of who asks it, where it says so.
        Raises LambdaError (nothing ran), NotAllowed, TookTooLong.
        """
        self._check(arn, source_arn, account)
        call = self._call(arn, event, trace, tenant_id)
        longest_s = self._longest_s(call)
        if longest_s is not None and longest_s <= timeout_s:
            return self._around.invoker.run(call)[0]
        return self._run_limited(call, timeout_s)

    def accept(
        self,
        arn: str,
        event: Mapping[str, Any] | bytes,
        *,
        source_arn: str,
        account: str,
        trace: str | None,
        tenant_id: str | None = None,
    ) -> None:
        """Queue an asynchronous invocation. Raises LambdaError, NotAllowed."""
        self._check(arn, source_arn, account)
        self._around.invoker.accept(self._call(arn, event, trace, tenant_id))

    def stop(self, grace_s: float) -> None:
        """End the threads; wait up to `grace_s` for those whose function runs."""
        self._threads.stop(grace_s)

    def _call(
        self,
        arn: str,
        event: Mapping[str, Any] | bytes,
        trace: str | None,
        tenant_id: str | None,
    ) -> Call:
        if arn.count(":") < 5:
            raise LambdaError("ResourceNotFoundException", f"Function not found: {arn}")
        _, _, _, region, account, _ = arn.split(":", 5)
        payload = event if isinstance(event, bytes) else utf8(compact(event))
        return Call(
            account=account,
            region=region,
            function=arn,
            payload=payload,
            trace_header=trace,
            tenant_id=tenant_id,
            source=self._source,
        )

    def _longest_s(self, call: Call) -> float | None:
        try:
            found = self._around.functions.look_up(call.account, call.region, call.function, None)
        except LambdaError:
            return None
        return found.version.timeout_s + _INIT_S

    def _run_limited(self, call: Call, timeout_s: float) -> InvocationResult:
        outcome: list[InvocationResult | LambdaError] = []
        is_done = threading.Event()

        def run() -> None:
            try:
                outcome.append(self._around.invoker.run(call)[0])
            except LambdaError as error:
                outcome.append(error)
            except Exception:  # noqa: BLE001  # a bug of ours: the client must not wait for it
                self._around.reporter.event("http.failed", traceback=traceback.format_exc())
                outcome.append(LambdaError("ServiceException", "The emulator failed."))
            finally:
                is_done.set()

        self._threads.start(run)
        if not is_done.wait(timeout_s):
            raise TookTooLong(call.function)
        (result,) = outcome
        if isinstance(result, LambdaError):
            raise result
        return result

    def _check(self, arn: str, source_arn: str, account: str) -> None:
        if self._trusted and source_arn.partition("/")[0].endswith(f":{self._trusted}"):
            return
        try:
            allowed = self._around.functions.policy_allows(
                arn, self._principal, source_arn, account
            )
        except (LambdaError, IndexError):
            return  # no function of that name: the invocation says so
        if allowed is False:
            raise NotAllowed(f"no statement of the policy of {arn} allows {source_arn}")
        if allowed is None:
            # Differs from Lambda: a function without any policy may be invoked, as local set-ups
            # rarely grant what nobody checks; the line says what AWS would want.
            self._warn_once(arn, source_arn)

    def _warn_once(self, arn: str, source_arn: str) -> None:
        # One line for each function and front end, not for each path of it.
        api = source_arn.partition("/")[0]
        with self._lock:
            if (arn, api) in self._warned:
                return
            self._warned.add((arn, api))
        self._around.reporter.event(
            "http.permission_missing",
            function=arn,
            source=source_arn,
            hint="let through here; AWS would refuse until `aws lambda add-permission"
            f" --principal {self._principal}` allows it",
        )
