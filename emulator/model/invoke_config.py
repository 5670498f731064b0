"""How asynchronous invocations of one function version are retried, and where they end."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class EventInvokeConfig:
    """The settings of one qualifier; None where a setting was never made."""

    retries: int | None = None
    max_age_s: int | None = None
    on_success: str | None = None  # ARN of a destination
    on_failure: str | None = None
    modified_at: float = 0.0  # seconds since the epoch


NO_INVOKE_CONFIG = EventInvokeConfig()
