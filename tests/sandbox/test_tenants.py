"""Environments that serve one tenant only."""

import json
import threading
from collections.abc import Callable

import pytest

from emulator.model import FunctionVersion
from emulator.model.steps import finish
from emulator.observe import Activity
from emulator.sandbox import Environments
from emulator.sandbox.pool import EnvironmentPool
from emulator.sandbox.tenants import TenantPools
from tests.sandbox.conftest import MakeFunction, Run

WHO = """
import os
seen = []
def handler(event, context):
    seen.append(context.tenant_id)
    return [seen, context.tenant_id, context.log_stream_name]
"""


def test_an_environment_serves_one_tenant_only(function: MakeFunction, run_to_idle: Run) -> None:
    version = function(WHO, isolates_tenants=True)
    answers = []
    for tenant in ("blue", "green", "blue", "green"):
        seen, now, environment = json.loads(run_to_idle(version, tenant_id=tenant).payload)
        assert set(seen) == {tenant} == {now}
        answers.append(environment)
    assert answers[:2] == answers[2:], "an environment that was there was not used"
    assert len(set(answers)) == 2


def test_new_code_ends_the_environments_of_all_tenants(
    environments: Environments, function: MakeFunction, run_to_idle: Run, activity: Activity
) -> None:
    version = function(WHO, isolates_tenants=True)
    for tenant in ("blue", "green"):
        run_to_idle(version, tenant_id=tenant)
    assert version.code in environments.code_in_use()
    environments.retire(version)
    assert environments.settle()
    assert version.code not in environments.code_in_use()
    run_to_idle(version, tenant_id="blue")  # by one who had resolved it before
    assert environments.settle()
    assert version.code not in environments.code_in_use()


def test_what_is_prepared_for_nobody_is_nobody_s(
    environments: Environments, function: MakeFunction, run: Run
) -> None:
    version = function(WHO, isolates_tenants=True)
    assert environments.prepare(version).failure is None
    assert version.code not in environments.code_in_use()


class _Environment:
    """As much of an environment as a pool looks at."""

    is_kept = is_provisioned = False
    is_warm = True
    idle_since_s = 0.0

    class rest:
        is_idle = False

        @staticmethod
        def begin(_now_s: float) -> bool:
            return True

    def initialise(self) -> None:
        pass


@pytest.fixture
def stopped() -> list[object]:
    return []


@pytest.fixture
def pools(stopped: list[object]) -> TenantPools:
    def run(work: Callable[[], None]) -> None:
        work()

    def make(_version: FunctionVersion) -> EnvironmentPool:
        return EnvironmentPool(_Environment, stopped.append, run)  # type: ignore[arg-type] # so much of it

    return TenantPools(make, threading.Lock())


def test_a_tenant_that_has_nothing_left_is_forgotten(
    pools: TenantPools, function: MakeFunction
) -> None:
    version = function(WHO, isolates_tenants=True)
    pool = pools.pool(version, "blue")
    environment = finish(pool.lend())
    assert pools.take_unused(float("inf"), float("inf")) == []
    assert pools.pool(version, "blue") is pool, "a tenant was forgotten whose function runs"
    pool.give_back(environment, 0.1)
    assert pools.take_unused(float("inf"), float("inf")) == [environment]
    assert pools.pool(version, "blue") is not pool
    late = finish(pool.lend())  # by one who had found it before
    assert not pool.give_back(late, 0.1)


def test_a_retired_deployment_keeps_nothing(pools: TenantPools, function: MakeFunction) -> None:
    version = function(WHO, isolates_tenants=True)
    assert pools.retire(version.deployment) == []
    pool = pools.pool(version, "blue")
    assert not pool.give_back(finish(pool.lend()), 0.1)
