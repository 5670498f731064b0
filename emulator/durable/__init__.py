"""Durable executions: one logical run of a function, made of many invocations."""

from emulator.durable.on_demand import OPERATIONS, DurableOnDemand
from emulator.durable.surroundings import Surroundings

__all__ = ["OPERATIONS", "DurableOnDemand", "Surroundings"]
