"""Calls to the HTTP back ends of integrations."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from emulator.event_sources.http_messages import HOP_BY_HOP, HttpAnswer

_OWN: Final = HOP_BY_HOP | {"host", "content-length", "accept-encoding"}


class BackendFailed(Exception):
    """The back end could not be reached, or broke off."""


class BackendTookTooLong(Exception):
    """The back end has not answered in time."""


class HttpBackend:
    """Sends requests, over connections that it keeps. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the making of the pool
        self._pool: Any = None

    def send(
        self,
        method: str,
        url: str,
        *,
        query: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        body: bytes,
        timeout_s: float,
    ) -> HttpAnswer:
        """Send a request; redirects are not followed. Raises BackendFailed, BackendTookTooLong."""
        from urllib3.exceptions import HTTPError, TimeoutError

        kept = {name: text for name, text in headers.items() if name.lower() not in _OWN}
        if query:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
        try:
            answer = self._manager().request(
                method,
                url,
                headers=kept,
                body=body or None,
                timeout=timeout_s,
                retries=False,
                redirect=False,
                decode_content=False,
            )
        except TimeoutError as error:
            raise BackendTookTooLong(url) from error
        except (HTTPError, ValueError) as error:
            raise BackendFailed(f"{url}: {error}") from error
        named = tuple(
            (name, text) for name, text in answer.headers.items() if name.lower() not in _OWN
        )
        return HttpAnswer(status=answer.status, headers=named, body=answer.data)

    def stop(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._pool is not None:
                self._pool.clear()

    def _manager(self) -> Any:
        with self._lock:
            if self._pool is None:
                import urllib3  # late: it takes 50 ms, and few APIs have HTTP back ends

                self._pool = urllib3.PoolManager(maxsize=32)
            return self._pool
