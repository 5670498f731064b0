"""Environments that are initialised before anybody calls: provisioned concurrency."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from emulator.model import FunctionVersion, LambdaError
from emulator.model.provisioned import INIT_FAILURE, NONE_YET, ProvisionedState, ProvisionedStatus
from emulator.observe import Activity
from emulator.sandbox.environment import Environment

ACTIVITY = "provisioned environments that initialise"

Start = Callable[[FunctionVersion], Environment | None]
"""Starts one environment and puts it into its pool; None: its init phase failed."""
Dismiss = Callable[[FunctionVersion, list[Environment]], None]
"""Takes these environments out of their pool; who runs just now becomes an ordinary one."""


@dataclass(kw_only=True, slots=True)
class _Provision:
    """The environments of one function version."""

    version: FunctionVersion
    executions: int
    environments: list[Environment] = field(default_factory=list)
    starting: int = 0
    has_failed: bool = False


class Provisioning:
    """Keeps as many environments ready as each version wants. Any thread may call.

    `_lock` guards the table; environments start and stop outside of it, on threads that
    `in_background` has.
    """

    def __init__(
        self,
        start: Start,
        dismiss: Dismiss,
        in_background: Callable[..., object],
        activity: Activity,
    ) -> None:
        self._start = start
        self._dismiss = dismiss
        self._in_background = in_background
        self._activity = activity
        self._lock = threading.Lock()
        self._provisions: dict[int, _Provision] = {}  # by deployment

    def provision(self, version: FunctionVersion, executions: int) -> None:
        """Have that many environments of `version`; 0: none any more."""
        with self._lock:
            provision = self._provisions.get(version.deployment)
            if provision is None:
                provision = _Provision(version=version, executions=executions)
                self._provisions[version.deployment] = provision
            provision.executions = executions
            provision.has_failed = False
            surplus = provision.environments[executions:]
            del provision.environments[executions:]
            if executions == 0:
                del self._provisions[version.deployment]
        self._dismiss(version, surplus)
        self._fill(provision)

    def state(self, version: FunctionVersion) -> ProvisionedState:
        """Tell how far it is."""
        with self._lock:
            provision = self._provisions.get(version.deployment)
            if provision is None:
                return NONE_YET
            available = len(provision.environments)
            if provision.has_failed:
                return ProvisionedState(
                    status=ProvisionedStatus.FAILED, available=available, reason=INIT_FAILURE
                )
            is_ready = available == provision.executions
        status = ProvisionedStatus.READY if is_ready else ProvisionedStatus.IN_PROGRESS
        return ProvisionedState(status=status, available=available)

    def lost(self, environment: Environment) -> None:
        """Replace an environment that will not come back."""
        with self._lock:
            provision = self._provisions.get(environment.version.deployment)
            if provision is None or environment not in provision.environments:
                return
            provision.environments.remove(environment)
        self._fill(provision)

    def forget(self, deployment: int) -> None:
        """Start nothing more for a version that is gone; its environments go with their pool."""
        with self._lock:
            provision = self._provisions.pop(deployment, None)
            if provision is not None:
                provision.executions = 0

    def _fill(self, provision: _Provision) -> None:
        with self._lock:
            there = len(provision.environments) + provision.starting
            missing = max(provision.executions - there, 0)
            provision.starting += missing
        for _ in range(missing):
            self._activity.begin(ACTIVITY)
            self._in_background(self._start_one, provision)

    def _start_one(self, provision: _Provision) -> None:
        environment = None
        try:
            environment = self._start(provision.version)
        except LambdaError:  # nothing here can run it: as if its init phase had failed
            pass
        finally:
            self._started(provision, environment)
            self._activity.end(ACTIVITY)

    def _started(self, provision: _Provision, environment: Environment | None) -> None:
        with self._lock:
            provision.starting -= 1
            is_wanted = len(provision.environments) < provision.executions
            if environment is None:
                provision.has_failed = True
            elif is_wanted:
                provision.environments.append(environment)
        if environment is not None and not is_wanted:
            self._dismiss(provision.version, [environment])
