"""Environments of functions that isolate tenants: each one serves a single tenant."""

import threading
from collections.abc import Callable

from emulator.model import FunctionVersion
from emulator.sandbox.environment import Environment
from emulator.sandbox.pool import EnvironmentPool


class TenantPools:
    """A pool for each tenant of each deployed state of a function version.

    Any thread may call. The lock, which is that of `Environments`, guards the tables.
    """

    def __init__(
        self, make_pool: Callable[[FunctionVersion], EnvironmentPool], lock: threading.Lock
    ) -> None:
        self._make_pool = make_pool
        self._lock = lock
        self._pools: dict[int, dict[str | None, EnvironmentPool]] = {}  # by deployment, by tenant
        self._retired: set[int] = set()  # deployments

    def pool(self, version: FunctionVersion, tenant_id: str | None) -> EnvironmentPool:
        """The pool of a tenant, which is made when it is first asked for."""
        deployment = version.deployment
        with self._lock:
            pool = self._pools.get(deployment, {}).get(tenant_id)
            if pool is None:
                pool = self._make_pool(version)
                if deployment in self._retired:
                    pool.retire()  # for one who resolved it before, and no longer than that
                else:
                    self._pools.setdefault(deployment, {})[tenant_id] = pool
        return pool

    def retire(self, deployment: int) -> list[Environment]:
        """Have a deployment used for nothing new; returns what is idle, for the caller to stop."""
        with self._lock:
            self._retired.add(deployment)
            pools = self._pools.pop(deployment, {})
        return [environment for pool in pools.values() for environment in pool.retire()]

    def retire_all(self) -> list[Environment]:
        """Have all used for nothing new; returns what is idle, for the caller to stop."""
        with self._lock:
            deployments = list(self._pools)
        return [environment for each in deployments for environment in self.retire(each)]

    def take_unused(self, since_s: float, crowd_since_s: float) -> list[Environment]:
        """Take out what each pool says is unused, and tenants that have nothing left."""
        with self._lock:
            pools = [pool for tenants in self._pools.values() for pool in tenants.values()]
        unused = [each for pool in pools for each in pool.take_unused(since_s, crowd_since_s)]
        return unused + self._forget_empty()

    def _forget_empty(self) -> list[Environment]:
        with self._lock:
            gone = [
                (tenants, tenant, pool)
                for tenants in self._pools.values()
                for tenant, pool in tenants.items()
                if pool.is_empty()
            ]
            for tenants, tenant, _ in gone:
                del tenants[tenant]
        # Who got one of them just now still uses it, and it keeps nothing afterwards.
        return [environment for *_, pool in gone for environment in pool.retire()]
