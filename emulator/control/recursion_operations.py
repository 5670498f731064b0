"""PutFunctionRecursionConfig and GetFunctionRecursionConfig."""

from emulator.control.function import Function
from emulator.control.request import Request, RequestContext, Response, addressed_unqualified
from emulator.control.store import FunctionStore


class RecursionOperations:
    """Whether a function in a loop is stopped. Any thread may call."""

    def __init__(self, store: FunctionStore) -> None:
        self._store = store

    def put_function_recursion_config(self, context: RequestContext, request: Request) -> Response:
        """Let a function run in a loop (Allow), or have it stopped (Terminate)."""
        where = addressed_unqualified(self._store, context, request, "PutFunctionRecursionConfig")
        wanted: str = request["RecursiveLoop"]

        def put(function: Function) -> None:
            function.recursive_loop = wanted

        self._store.change(where, put)
        return {"RecursiveLoop": wanted}

    def get_function_recursion_config(self, context: RequestContext, request: Request) -> Response:
        """What was put; Terminate when nothing was."""
        where = addressed_unqualified(self._store, context, request, "GetFunctionRecursionConfig")
        return {"RecursiveLoop": self._store.read(where, lambda function: function.recursive_loop)}
