"""Which function a request is for: by the host of a function URL, or by `/fn/NAME[/path]`."""

from dataclasses import dataclass
from typing import Final
from wsgiref.types import WSGIEnvironment

from emulator.control import Target
from emulator.control.url_directory import UrlDirectory, UrlRoute
from emulator.model import LATEST, parse_function_name
from emulator.model.function_url import FunctionUrl

PREFIX: Final = "/fn/"
_HOST_PART: Final = "lambda-url"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrance:
    """The way by which a request comes in."""

    account: str
    region: str
    function: str  # with a qualifier, where there is one
    path: str  # as the server shows it, from the function's point of view
    url_id: str  # as events name it
    url: FunctionUrl | None  # its settings; None: `/fn/NAME` of a function that has no URL
    route: UrlRoute | None = None  # None: `/fn/NAME`, which lets everybody in

    @property
    def bare_name(self) -> str:
        """The function's name without a qualifier."""
        parsed = parse_function_name(self.function)
        return parsed.name if parsed else self.function


def is_url_host(environ: WSGIEnvironment) -> bool:
    """Whether a request came to the host of a function URL."""
    return f".{_HOST_PART}." in environ["HTTP_HOST"].lower()


def entrance_of(environ: WSGIEnvironment, urls: UrlDirectory) -> Entrance | None:
    """The way a request takes; None: its host is of no function URL that exists."""
    if is_url_host(environ):
        return _by_host(environ, urls)
    return _by_path(environ, urls)


def _by_host(environ: WSGIEnvironment, urls: UrlDirectory) -> Entrance | None:
    url_id, _, rest = environ["HTTP_HOST"].lower().partition(".")
    route = urls.find(url_id)
    if route is None or not rest.startswith(f"{_HOST_PART}.{route.target.region}."):
        return None
    where = route.target
    return Entrance(
        account=where.account,
        region=where.region,
        function=where.name if where.qualifier is None else f"{where.name}:{where.qualifier}",
        path=environ["PATH_INFO"],
        url_id=url_id,
        url=route.url,
        route=route,
    )


def _by_path(environ: WSGIEnvironment, urls: UrlDirectory) -> Entrance:
    function, _, path = environ["PATH_INFO"].removeprefix(PREFIX).partition("/")
    account, region = environ["emulator.account"], environ["emulator.region"]
    return Entrance(
        account=account,
        region=region,
        function=function,
        path=path,
        url_id=function,
        url=_url_of(function, account, region, urls),
    )


def _url_of(function: str, account: str, region: str, urls: UrlDirectory) -> FunctionUrl | None:
    """The settings of an alias's own URL, else of the function's."""
    name = parse_function_name(function)
    if name is None:
        return None
    bare = Target(name.account or account, region, name.name)
    if name.qualifier in (None, LATEST):
        return urls.of(bare)
    return urls.of(Target(bare.account, region, bare.name, name.qualifier)) or urls.of(bare)
