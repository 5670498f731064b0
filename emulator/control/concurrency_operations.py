"""PutFunctionConcurrency, GetFunctionConcurrency and DeleteFunctionConcurrency."""

from emulator.control.names import Target
from emulator.control.request import Request, RequestContext, Response, addressed_unqualified
from emulator.control.store import FunctionStore
from emulator.model import LATEST, LambdaError, function_arn


class ConcurrencyOperations:
    """Operations on the reserved concurrency of functions. Any thread may call."""

    def __init__(self, store: FunctionStore) -> None:
        self._store = store

    def put_function_concurrency(self, context: RequestContext, request: Request) -> Response:
        """Reserve a part of the account's concurrency, which is also the most a function gets."""
        where = addressed_unqualified(self._store, context, request, "PutFunctionConcurrency")
        self._check_exists(where)
        executions = request["ReservedConcurrentExecutions"]
        self._store.reserve_concurrency(where, executions)
        return {"ReservedConcurrentExecutions": executions}

    def get_function_concurrency(self, context: RequestContext, request: Request) -> Response:
        """What is reserved; nothing when nothing is."""
        where = addressed_unqualified(self._store, context, request, "GetFunctionConcurrency")
        return concurrency(self._store, where)

    def delete_function_concurrency(self, context: RequestContext, request: Request) -> Response:
        """Give the reservation back."""
        where = addressed_unqualified(self._store, context, request, "DeleteFunctionConcurrency")
        self._store.reserve_concurrency(where, None)
        return {}

    def _check_exists(self, where: Target) -> None:
        try:
            self._store.get(where)
        except LambdaError as error:
            arn = function_arn(where.account, where.region, where.name, LATEST)
            text = f"Function not found: {arn}"
            raise LambdaError("ResourceNotFoundException", text) from error


def concurrency(store: FunctionStore, where: Target) -> Response:
    """The member `Concurrency` of GetFunction."""
    reserved = store.read(where, lambda function: function.reserved_concurrency)
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}
