"""GetAccountSettings.

Source: spec/control-plane.md sections 6 and 7.
"""

from emulator.control.layer_store import LayerStore
from emulator.control.request import Request, RequestContext, Response
from emulator.control.store import FunctionStore
from emulator.model import limits


class AccountOperations:
    """What an account may use in a region, and what it uses. Any thread may call."""

    def __init__(self, store: FunctionStore, layers: LayerStore) -> None:
        self._store = store
        self._layers = layers

    def get_account_settings(self, context: RequestContext, request: Request) -> Response:
        """Quotas and usage; `$LATEST` and each published version count with their code."""
        where = context.account, context.region
        functions = self._store.list_functions(*where)
        packages = [shown.version.code for versions in functions for shown in versions]
        packages += [each.package for versions in self._layers.layers(*where) for each in versions]
        unreserved = limits.ACCOUNT_CONCURRENCY - self._store.set_aside(*where)
        return {
            "AccountLimit": {
                "TotalCodeSize": limits.CODE_STORAGE_BYTES,
                "CodeSizeUnzipped": limits.UNZIPPED_BYTES,
                "CodeSizeZipped": limits.ZIP_BYTES,
                "ConcurrentExecutions": limits.ACCOUNT_CONCURRENCY,
                "UnreservedConcurrentExecutions": unreserved,
            },
            "AccountUsage": {
                "TotalCodeSize": sum(package.size_bytes for package in packages),
                "FunctionCount": len(functions),
            },
        }
