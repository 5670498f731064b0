"""Lines of a log group that start a function."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LogsTrigger:
    """One `[[functions.NAME.triggers]]` with `source = "logs"`."""

    log_group: str
    pattern: str = ""  # a filter pattern; an empty one matches every line

    @property
    def summary(self) -> str:
        """`logs:///aws/lambda/orders ERROR`, for tables and log lines."""
        return f"logs://{self.log_group} {self.pattern}".rstrip()
