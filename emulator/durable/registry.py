"""Where an execution is found: by its ARN, by its name, by a callback of its."""

import threading

from emulator.durable.execution import Execution, ExecutionHead
from emulator.durable.operation import Operation

FunctionKey = tuple[str, str, str]  # account, region, name


class Registry:
    """All executions. Any thread may call; `_lock` guards the tables and nothing else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_arn: dict[str, Execution] = {}
        self._by_function: dict[FunctionKey, dict[str, Execution]] = {}  # by name
        self._callbacks: dict[str, tuple[Execution, str]] = {}  # with the operation's id

    def add(self, execution: Execution) -> Execution:
        """Add an execution; returns the one that has its name already, if there is one."""
        head = execution.head
        with self._lock:
            names = self._by_function.setdefault(function_of(head), {})
            there = names.setdefault(head.name, execution)
            if there is execution:
                self._by_arn[head.arn] = execution
            return there

    def remove(self, execution: Execution) -> None:
        """Forget an execution; one that is not there is no error."""
        head = execution.head
        with self._lock:
            if self._by_arn.get(head.arn) is not execution:
                return
            del self._by_arn[head.arn]
            names = self._by_function[function_of(head)]
            del names[head.name]
            if not names:
                del self._by_function[function_of(head)]
            for operation in execution.operations.values():
                if operation.callback_id is not None:
                    self._callbacks.pop(operation.callback_id, None)

    def find(self, arn: str) -> Execution | None:
        """The execution with that ARN."""
        with self._lock:
            return self._by_arn.get(arn)

    def of_function(self, account: str, region: str, name: str) -> list[Execution]:
        """The executions of all versions of a function."""
        with self._lock:
            return list(self._by_function.get((account, region, name), {}).values())

    def all(self) -> list[Execution]:
        """Every execution."""
        with self._lock:
            return list(self._by_arn.values())

    def note_callbacks(self, execution: Execution, operations: list[Operation]) -> None:
        """Have the callbacks among `operations` found."""
        with self._lock:
            for operation in operations:
                if operation.callback_id is not None:
                    self._callbacks[operation.callback_id] = (execution, operation.id)

    def callback(self, callback_id: str) -> tuple[Execution, str] | None:
        """Whose callback it is, and the id of its operation."""
        with self._lock:
            return self._callbacks.get(callback_id)

    def clear(self) -> list[Execution]:
        """Forget all; returns what was there."""
        with self._lock:
            executions = list(self._by_arn.values())
            self._by_arn.clear()
            self._by_function.clear()
            self._callbacks.clear()
            return executions


def function_of(head: ExecutionHead) -> FunctionKey:
    """The function whose execution it is."""
    return (head.account, head.region, head.function)
