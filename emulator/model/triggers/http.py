"""HTTP requests that start a function."""

from dataclasses import dataclass
from typing import Final

PROJECT_API: Final = "project"  # the id of the API with these routes; those of others are random


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpTrigger:
    """One `[[functions.NAME.triggers]]` with `source = "http"`: a route of the project's API."""

    method: str  # or ANY
    path: str  # `/orders/{id}`, `/{proxy+}`

    @property
    def summary(self) -> str:
        """`GET /orders/{id}`, for tables and log lines; the key of the route, too."""
        return f"{self.method} {self.path}"
