"""The HTTP address of a function or of one of its aliases."""

from dataclasses import dataclass
from typing import Final

NO_AUTH: Final = "NONE"
IAM_AUTH: Final = "AWS_IAM"
AUTH_TYPES: Final = (NO_AUTH, IAM_AUTH)
BUFFERED: Final = "BUFFERED"
RESPONSE_STREAM: Final = "RESPONSE_STREAM"
INVOKE_MODES: Final = (BUFFERED, RESPONSE_STREAM)


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlCors:
    """What pages of other sites may do; None where a setting was never made."""

    allow_credentials: bool | None = None
    allow_headers: tuple[str, ...] | None = None
    allow_methods: tuple[str, ...] | None = None
    allow_origins: tuple[str, ...] | None = None
    expose_headers: tuple[str, ...] | None = None
    max_age_s: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionUrl:
    """One URL of a function: for `$LATEST` or for an alias."""

    url_id: str  # 32 small letters and digits, unique in all accounts and Regions
    auth_type: str = NO_AUTH
    invoke_mode: str | None = None  # None: never given, so BUFFERED
    cors: UrlCors | None = None
    created_at: float = 0.0  # seconds since the epoch
    modified_at: float = 0.0
    is_declared: bool = False  # by the project's file, which lets everybody in without a policy

    @property
    def streams(self) -> bool:
        """Whether a response leaves while the function writes it."""
        return self.invoke_mode == RESPONSE_STREAM


def url_domain(url_id: str, region: str) -> str:
    """The host that AWS would give the URL, as events name it."""
    return f"{url_id}.lambda-url.{region}.on.aws"


def url_address(url_id: str, region: str, port: int | None) -> str:
    """Where the URL is reached from this machine; port: the emulator's, None for HTTP's own."""
    host = f"{url_id}.lambda-url.{region}.localhost"
    return f"http://{host}/" if port is None else f"http://{host}:{port}/"
