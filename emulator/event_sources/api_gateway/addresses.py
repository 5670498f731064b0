"""Which API an address means."""

from dataclasses import dataclass
from typing import Final

EXECUTE_API: Final = ".execute-api."
ANY_API: Final = "/_aws/execute-api/"
REST_API: Final = "/restapis/"
_USER_REQUEST: Final = "/_user_request_"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """An API, and what the client wants of it."""

    api_id: str
    path: str  # begins with `/`; its first segment may be a stage


def address_of(host: str, path: str) -> Address | None:
    """Read an address in any of its forms; None: it is no API's.

    `ID.execute-api.…/STAGE/…`, `/_aws/execute-api/ID/STAGE/…`,
    `/restapis/ID/STAGE/_user_request_/…`.
    """
    if path.startswith(ANY_API):
        api_id, _, rest = path.removeprefix(ANY_API).partition("/")
        return Address(api_id=api_id, path=f"/{rest}")
    if path.startswith(REST_API) and _USER_REQUEST in path:
        named, _, rest = path.removeprefix(REST_API).partition(_USER_REQUEST)
        api_id, _, stage = named.partition("/")
        return Address(api_id=api_id, path=f"/{stage}{rest}")
    name, found, _ = host.lower().partition(EXECUTE_API)
    return Address(api_id=name, path=path or "/") if found else None


def split_stage(path: str) -> tuple[str, str]:
    """The first segment of a path, and the path behind it."""
    stage, _, rest = path[1:].partition("/")
    return stage, f"/{rest}"
