"""Putting something of ours in the place of a name of moto's, and noticing when moto changed.

Modules of this folder import moto inside their functions: it takes half a second to load, and
the emulator must answer before that.
"""

import importlib
import inspect
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.aws.addresses import Addresses
from emulator.aws.background_work import BackgroundWork
from emulator.aws.buffer import FactBuffer
from emulator.aws.credentials import Credentials
from emulator.aws.destinations import Destinations
from emulator.aws.facts import Requester
from emulator.aws.functions import Functions
from emulator.aws.kept_stacks import KeptStacks
from emulator.aws.locks import ServiceLocks
from emulator.aws.log_subscriptions import LogSubscriptions
from emulator.aws.permissions import InvokePermissions
from emulator.model import Clock
from emulator.observe import Reporter
from emulator.observe.log_book import GroupKey

MODULE: Final = "module"  # stands for the parameters where a module is replaced
NOBODY: Final = Requester(
    account="", principal="", source_ip="127.0.0.1", request_id="", host_id=""
)
CallService = Callable[[str, str, str, str, Mapping[str, Any]], Mapping[str, Any]]
"""What `OwnCalls.call` is."""
SCRATCH_ACCOUNT: Final = "999999999999"  # where patches are tried out; left empty


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchContext:
    """What the patches work with."""

    buffer: FactBuffer
    locks: ServiceLocks
    log_subscriptions: LogSubscriptions
    watch_logs: Callable[[Collection[GroupKey]], None]  # whose new lines are wanted at once
    clock: Clock
    functions: Functions
    credentials: Credentials
    destinations: Destinations
    executions: BackgroundWork  # of Step Functions
    stacks: BackgroundWork  # changes of stacks that wait for custom resources
    kept_stacks: KeptStacks
    permissions: InvokePermissions
    reporter: Reporter
    stopping: threading.Event
    addresses: Addresses
    call_service: CallService


@dataclass(frozen=True, slots=True)
class Patch:
    """One name of moto that we replace.

    target: `module:name` or `module:Class.name`. parameters: what moto calls its parameters; if
    they change, so may the meaning, and the patch is reported as broken instead of applied.
    make: from moto's own object to ours.
    """

    target: str
    parameters: str
    make: Callable[[Any], Any]


# moto's own objects: a second emulator in the same process wraps these again, not our wrappers.
_originals: dict[str, Any] = {}


def apply(patches: Iterable[Patch]) -> dict[str, str]:
    """Apply what fits; return what is broken: target to reason."""
    broken = {}
    for patch in patches:
        try:
            _apply(patch)
        except (ImportError, AttributeError, TypeError) as error:
            broken[patch.target] = str(error)
    return broken


def _apply(patch: Patch) -> None:
    module_name, _, path = patch.target.partition(":")
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    if patch.target not in _originals:
        original = inspect.getattr_static(owner, name)
        found = _parameters(original)
        if found != patch.parameters:
            raise TypeError(f"its parameters are ({found}), not ({patch.parameters})")
        _originals[patch.target] = original
    setattr(owner, name, patch.make(_originals[patch.target]))


def _parameters(thing: Any) -> str:
    if inspect.ismodule(thing):
        return MODULE
    function: Any = thing.fget if isinstance(thing, property) else thing
    function = getattr(function, "__func__", function)
    return ", ".join(inspect.signature(function).parameters)
