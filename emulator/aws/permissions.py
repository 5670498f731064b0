"""Whether a service may invoke a function: by its resource policy, where it has one."""

import threading

from emulator.aws.functions import Functions
from emulator.observe import Reporter


class InvokePermissions:
    """Asks a function's policy on behalf of a service; trusts what a project's file binds.

    Any thread may call. `_lock` guards what is trusted and what was warned of.
    """

    def __init__(self, functions: Functions, reporter: Reporter) -> None:
        self._functions = functions
        self._reporter = reporter
        self._lock = threading.Lock()
        self._trusted: set[tuple[str, str]] = set()
        self._warned: set[tuple[str, str]] = set()

    def trust(self, source_arn: str, function_arn: str) -> None:
        """Let a source invoke a function that the project's own file bound to it."""
        with self._lock:
            self._trusted.add((source_arn, function_arn))

    def trusts(self, source_arn: str, function_arn: str) -> bool:
        """Whether the project's own file bound them."""
        with self._lock:
            return (source_arn, function_arn) in self._trusted

    def forget(self) -> None:
        """Trust nobody, and warn again."""
        with self._lock:
            self._trusted.clear()
            self._warned.clear()

    def allows(self, function_arn: str, principal: str, source_arn: str, account: str) -> bool:
        """Whether `principal` may invoke a function for a source; account: the source's owner."""
        if self.trusts(source_arn, function_arn):
            return True
        allowed = self._functions.policy_allows(function_arn, principal, source_arn, account)
        if allowed is None:
            # Differs from Lambda: a function without any policy may be invoked, because local
            # set-ups rarely grant what nobody checks; the line says what AWS would want.
            self._warn_once(function_arn, principal, source_arn)
        return allowed is not False

    def _warn_once(self, function_arn: str, principal: str, source_arn: str) -> None:
        with self._lock:
            if (source_arn, function_arn) in self._warned:
                return
            self._warned.add((source_arn, function_arn))
        self._reporter.event(
            f"{principal.removeprefix('lambda.alarms.').split('.')[0]}.permission_missing",
            source=source_arn,
            function=function_arn,
            hint="let through here; AWS would refuse until `aws lambda add-permission "
            f"--principal {principal} --source-arn {source_arn} …` is called",
        )
