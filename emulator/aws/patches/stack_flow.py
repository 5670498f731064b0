"""From the wish to create, update or delete a stack to its last status, on a thread of its own."""

import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from emulator.aws.facts import Requester
from emulator.aws.patches.patching import PatchContext
from emulator.aws.patches.stack_change import StackChange, StackProblem, resources_of
from emulator.aws.patches.stack_exports import (
    backend_of,
    check_exports,
    drop_exports,
    set_exports,
)
from emulator.aws.patches.stack_remains import StackRemains, stack_name
from emulator.aws.patches.stack_resources import Handler, reason_of
from emulator.aws.stack_work import (
    Abandoned,
    StackWork,
    begin_on_this_thread,
    set_work,
    work_of_this_thread,
    work_under_way,
)
from emulator.aws.stacks.stack_policy import StackPolicy

ROLLBACK: Final = "ROLLBACK"
DO_NOTHING: Final = "DO_NOTHING"
DELETE: Final = "DELETE"
_LAST_STEP_S: Final = 10  # in which a call that a stack makes is over
_DELETABLE: Final = ("CREATE", "ROLLBACK", "DELETE")  # in progress, and yet it can be deleted
_UPDATABLE: Final = frozenset(
    {
        "CREATE_COMPLETE",
        "CREATE_FAILED",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_COMPLETE",
    }
)
_REVISION: Final = "emulator_revision"  # attributes of moto's stack
_HAS_OUTPUTS: Final = "emulator_has_outputs"

_Step = Callable[[], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """What a stack is made from."""

    original: str  # the template as it was submitted
    document: dict[str, Any]  # with its transforms applied
    text: str  # the same as JSON
    parameters: dict[str, Any]
    tags: dict[str, str]
    is_transformed: bool = False


def has_outputs(stack: Any) -> bool:
    """Whether all that a stack's outputs speak of has been made."""
    return bool(getattr(stack, _HAS_OUTPUTS, False))


def revision_of(stack: Any) -> Revision:
    """What a stack is made from now."""
    found: Revision | None = getattr(stack, _REVISION, None)
    if found is None:
        found = Revision(
            original=stack.template,
            document=stack.template_dict,
            text=stack.template,
            parameters=dict(stack.parameters),
            tags=dict(stack.tags or {}),
        )
    return found


def resolved(backend: Any, revision: Revision) -> Mapping[str, Any]:
    """Values of a revision's parameters; raises ValidationError."""
    from moto.cloudformation.parsing import ResourceMap

    trial = ResourceMap(
        stack_id="",
        stack_name="",
        parameters=revision.parameters,
        tags={},
        region_name=backend.region_name,
        account_id=backend.account_id,
        template=revision.document,
        cross_stack_resources={},
    )
    trial.load()
    values: Mapping[str, Any] = trial.resolved_parameters
    return values


def is_same(stack: Any, revision: Revision, values: Mapping[str, Any]) -> bool:
    """Whether an update to a revision, with these values of its parameters, changes nothing."""
    now = revision_of(stack)
    is_unchanged = now.document == revision.document and now.tags == revision.tags
    return is_unchanged and stack.resource_map.resolved_parameters == values


def _adopt(stack: Any, revision: Revision) -> None:
    """Give a stack another template with its parameters."""
    setattr(stack, _REVISION, revision)
    stack.template, stack.template_dict = revision.text, revision.document
    stack.parameters, stack.tags = revision.parameters, revision.tags
    stack.description = revision.document.get("Description")
    stack.resource_map = stack._create_resource_map()
    stack.resource_map.cross_stack_resources = backend_of(stack).exports


class StackFlow:
    """Changes stacks. A caller must hold the lock of CloudFormation.

    Each change has a thread of its own; whoever asked waits, with no lock held, until it has
    ended or waits for a function's answer. A stack in a stack is changed on the outer one's.
    """

    def __init__(
        self,
        context: PatchContext,
        handler_of: Callable[[Any, str], Handler],
        remains: StackRemains,
    ) -> None:
        self._context = context
        self._handler_of = handler_of
        self._remains = remains

    def create(self, stack: Any, revision: Revision, on_failure: str = ROLLBACK) -> None:
        """Make all of a new stack."""
        _adopt(stack, revision)
        _conclude(stack, "CREATE_IN_PROGRESS", "User Initiated")

        def work() -> None:
            change = self._change(stack)
            try:
                self._remains.clear(stack_name(stack, stack.stack_id))
                change.make()
                self._publish(stack)
            except Exception as error:  # noqa: BLE001  # moto raises anything; the stack says it
                self._creation_failed(stack, change, _why(error), on_failure)
            else:
                _conclude(stack, "CREATE_COMPLETE")

        self._run(stack, work)

    def update(
        self,
        stack: Any,
        new: Revision,
        *,
        rolls_back: bool = True,
        policy: StackPolicy | None = None,
    ) -> None:
        """Bring a stack to another revision; raises ValidationError when it is not the time."""
        check_updatable(stack)
        old = revision_of(stack)
        _adopt(stack, new)
        _conclude(stack, "UPDATE_IN_PROGRESS", "User Initiated")

        def work() -> None:
            change = self._change(stack, policy)
            try:
                change.make()
                self._publish(stack)
            except Exception as error:  # noqa: BLE001  # moto raises anything; the stack says it
                if rolls_back:
                    self._take_back(stack, change, old, _why(error))
                else:
                    change.give_up()
                    _conclude(stack, "UPDATE_FAILED", _why(error))
                return
            _conclude(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            change.clean_up()
            _conclude(stack, "UPDATE_COMPLETE")

        self._run(stack, work)

    def delete(self, stack: Any, retained: Collection[str] = ()) -> None:
        """Delete a stack, or have it deleted once it has stopped being made."""
        from moto.cloudformation.exceptions import ValidationError

        if stack.enable_termination_protection:
            raise ValidationError(
                message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is"
                " enabled"
            )
        check_exports(stack, ())
        under_way = None if work_of_this_thread() else work_under_way(stack)
        if under_way is None:
            self._run(stack, lambda: self._delete(stack, retained), "DELETE_IN_PROGRESS")
            return
        doing = stack.status.removesuffix("_IN_PROGRESS")
        if doing not in _DELETABLE or under_way.stack_id != stack.stack_id:  # it is another's part
            text = f"Stack [{stack.name}] cannot be deleted while in status {stack.status}"
            raise ValidationError(message=text)
        if doing != "DELETE":
            stack.status = "DELETE_IN_PROGRESS"
            under_way.is_abandoned = under_way.deletes_afterwards = True
            self._context.stacks.wake()

    # On the stack's thread.

    def _change(self, stack: Any, policy: StackPolicy | None = None) -> StackChange:
        def check() -> None:
            work = work_of_this_thread()
            if (work is not None and work.is_abandoned) or self._context.stopping.is_set():
                raise Abandoned

        work = work_of_this_thread()
        outermost = work.stack_id if work else stack.stack_id
        return StackChange(
            stack,
            lambda kind: self._handler_of(stack, kind),
            check,
            self._context.addresses.endpoint,
            self._context.kept_stacks,
            stack_name(stack, outermost),
            policy,
        )

    def _publish(self, stack: Any) -> None:
        """Outputs and exports of what has been made."""
        stack.output_map = stack._create_output_map()
        list(stack.output_map.values())
        set_exports(stack)
        setattr(stack, _HAS_OUTPUTS, True)

    def _creation_failed(
        self, stack: Any, change: StackChange, reason: str, on_failure: str
    ) -> None:
        if on_failure == DO_NOTHING:
            _conclude(stack, "CREATE_FAILED", reason)
            return
        if on_failure == DELETE:
            _conclude(stack, "CREATE_FAILED", f"{reason}Delete requested by user.")
            self._delete(stack, ())
            return
        _conclude(stack, "ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user.")
        try:
            change.delete(is_rollback=True)
        except StackProblem as problem:
            _conclude(stack, "ROLLBACK_FAILED", str(problem))
        else:
            _conclude(stack, "ROLLBACK_COMPLETE")

    def _take_back(self, stack: Any, change: StackChange, old: Revision, reason: str) -> None:
        _conclude(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
        try:
            change.take_back(lambda: _adopt(stack, old))
            self._publish(stack)
        except Exception as error:  # noqa: BLE001  # moto raises anything; the stack says it
            _conclude(stack, "UPDATE_ROLLBACK_FAILED", _why(error))
        else:
            _conclude(stack, "UPDATE_ROLLBACK_COMPLETE")

    def _delete(self, stack: Any, retained: Collection[str]) -> None:
        _conclude(stack, "DELETE_IN_PROGRESS", "User Initiated")
        setattr(stack, _HAS_OUTPUTS, False)
        drop_exports(stack)
        try:
            self._change(stack).delete(retained)
        except StackProblem as problem:
            _conclude(stack, "DELETE_FAILED", str(problem))
            return
        backend = backend_of(stack)
        backend.stacks.pop(stack.stack_id, None)
        backend.deleted_stacks[stack.stack_id] = stack
        resources_of(stack).clear()
        _conclude(stack, "DELETE_COMPLETE")

    # The thread.

    def _run(self, stack: Any, work: _Step, status: str | None = None) -> None:
        if status is not None:
            stack.status = status
        if (outer := work_of_this_thread()) is not None:
            set_work(stack, outer)
            work()
            return
        context = self._context
        change = StackWork(stack_id=stack.stack_id)

        def run() -> None:
            begin_on_this_thread(change)
            try:
                with self._own_request(stack):
                    try:
                        with suppress(Abandoned):
                            work()
                    finally:
                        change.has_ended = True  # whatever happened: else nobody could delete it
                    if change.deletes_afterwards:
                        self._run_deletion(stack, change)
            finally:
                context.stacks.end(change.key)
                change.can_be_answered.set()

        thread = threading.Thread(target=run, name=f"stack {stack.name}", daemon=True)
        self._begin(change, thread)
        set_work(stack, change)
        thread.start()
        with context.locks.released():
            change.can_be_answered.wait()

    def _begin(self, change: StackWork, thread: threading.Thread) -> None:
        def stop() -> None:
            change.is_abandoned, change.deletes_afterwards = True, False

        def join() -> None:
            if thread.is_alive():  # one that is about to start takes no step
                thread.join(_LAST_STEP_S)

        self._context.stacks.begin(change.key, stop, join)

    def _run_deletion(self, stack: Any, unwanted: StackWork) -> None:
        """Go on with another change on this thread."""
        change = StackWork(stack_id=stack.stack_id)
        self._begin(change, threading.current_thread())
        set_work(stack, change)
        begin_on_this_thread(change)
        self._context.stacks.end(unwanted.key)  # a deletion, too, may wait for an answer
        unwanted.can_be_answered.set()
        try:
            with suppress(Abandoned):
                self._delete(stack, ())
        finally:
            change.has_ended = True
            self._context.stacks.end(change.key)

    @contextmanager
    def _own_request(self, stack: Any) -> Iterator[None]:
        """Facts of what the stack makes are told when the thread is done, with no lock held."""
        requester = Requester(
            account=stack.account_id,
            principal="AWS:cloudformation.amazonaws.com",
            source_ip="cloudformation.amazonaws.com",
            request_id=str(uuid.uuid4()),
            host_id="",
        )
        context = self._context
        with context.buffer.request(requester) as facts, context.locks.hold("cloudformation"):
            yield
        context.buffer.deliver(facts)


def check_updatable(stack: Any) -> None:
    """A stack is changed by one at a time, and not at all when it was never complete."""
    from moto.cloudformation.exceptions import ValidationError

    is_inside = work_of_this_thread() is not None
    is_busy = not is_inside and work_under_way(stack) is not None
    if is_busy or stack.status not in _UPDATABLE:
        text = f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
        raise ValidationError(message=text)


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, StackProblem) else f"{reason_of(error)} "


def _conclude(stack: Any, status: str, reason: str | None = None) -> None:
    stack.status, stack.stack_status_reason = status, reason
    stack._add_stack_event(status, resource_status_reason=reason)
