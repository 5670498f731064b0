"""Which function a URL leads to."""

from dataclasses import dataclass

from emulator.control.function import Function
from emulator.control.kept_functions import FunctionKey
from emulator.control.names import Target
from emulator.model import LATEST
from emulator.model.function_url import FunctionUrl


@dataclass(frozen=True, slots=True)
class UrlRoute:
    """A URL and what it runs; no qualifier stands for `$LATEST`."""

    target: Target
    url: FunctionUrl


class UrlDirectory:
    """The URLs of all functions, by their id and by what they run.

    Any thread may read: single reads of a dict are atomic. Who changes functions calls `follow`
    under the lock he does that with.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, UrlRoute] = {}
        self._by_target: dict[Target, FunctionUrl] = {}

    def find(self, url_id: str) -> UrlRoute | None:
        """What the URL with this id runs; None: there is no such URL."""
        return self._by_id.get(url_id)

    def of(self, where: Target) -> FunctionUrl | None:
        """The URL that runs exactly this, if there is one."""
        return self._by_target.get(where)

    def follow(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """Take over what a change made of a function's URLs."""
        old = {} if before is None else before.urls
        new = {} if after is None else after.urls
        if old == new:
            return
        for qualifier, url in old.items():
            del self._by_id[url.url_id]
            del self._by_target[_target(key, qualifier)]
        for qualifier, url in new.items():
            where = _target(key, qualifier)
            self._by_id[url.url_id] = UrlRoute(where, url)
            self._by_target[where] = url

    def clear(self) -> None:
        """Forget all of them."""
        self._by_id.clear()
        self._by_target.clear()


def _target(key: FunctionKey, qualifier: str) -> Target:
    return Target(*key, None if qualifier == LATEST else qualifier)
