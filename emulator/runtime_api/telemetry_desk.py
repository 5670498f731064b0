"""Takes the subscriptions of extensions: the Telemetry API and the Logs API."""

from collections.abc import Callable
from typing import Final

from emulator.runtime_api.connection import Connection
from emulator.runtime_api.extension_desk import ExtensionDesk
from emulator.runtime_api.extension_states import ExtensionState
from emulator.runtime_api.extensions import Extension
from emulator.runtime_api.rules import Reply, Request, refuse
from emulator.runtime_api.telemetry_rules import (
    Invalid,
    Subscription,
    TelemetryApi,
    read_subscription,
)

_PATHS: Final = {
    "/2022-07-01/telemetry": TelemetryApi.TELEMETRY,
    "/2020-08-15/logs": TelemetryApi.LOGS,
}
Subscribe = Callable[[Extension, Subscription], None]


class TelemetryDesk:
    """Both APIs of one environment. Used by one thread at a time, as the endpoint."""

    def __init__(self, extensions: ExtensionDesk, subscribe: Subscribe) -> None:
        self._extensions = extensions
        self._subscribe = subscribe
        self._used: dict[str, TelemetryApi] = {}  # by identifier of the extension

    def routes(self) -> dict[str, "TelemetryDesk"]:
        """Return itself by the version that each path begins with."""
        return {path[: path.rindex("/")]: self for path in _PATHS}

    def handle(self, request: Request, connection: Connection) -> Reply | None:
        """Answer a request at once."""
        api = _PATHS.get(request.path)
        if api is None:
            return refuse(404, "NotFound", f"No such path: {request.path}")
        if request.method != "PUT":
            return refuse(405, "MethodNotAllowed", "Method not allowed")
        extension = self._extensions.rules.identify(request)
        if isinstance(extension, Reply):
            return extension
        return self._take(api, extension, request)

    def hang_up(self, connection: Connection) -> None:
        """No connection waits here."""

    def _take(self, api: TelemetryApi, extension: Extension, request: Request) -> Reply:
        if extension.state is not ExtensionState.REGISTERED:
            text = f"{api.value} API subscription is closed already"
            return refuse(403, f"{api.value}.SubscriptionClosed", text)
        try:
            subscription = read_subscription(api, request.body)
            if self._used.get(extension.identifier, api) is not api:
                raise Invalid("an extension may subscribe to one of Telemetry and Logs API only")
        except Invalid as error:
            return refuse(400, f"{api.value}.ValidationError", str(error))
        known = self._extensions.rules.registered
        self._used = {each: used for each, used in self._used.items() if each in known}
        self._used[extension.identifier] = api
        self._subscribe(extension, subscription)
        return Reply(status=200, body=b"OK", headers={"Content-Type": "text/plain"})
