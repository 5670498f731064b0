"""What `lambda-emulator start` was told."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from emulator.sandbox import DebugTarget


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The project, the address, and what else holds until the emulator stops."""

    project: Path
    host: str = "127.0.0.1"
    port: int = 4566  # 0: a free one
    data_dir: Path | None = None  # None: nothing outlives the process
    watch: bool = True
    log_format: Literal["text", "json"] = "text"
    allow_hosts: Sequence[str] = ()
    nats_url: str | None = None  # None: what the project says
    debug: Sequence[DebugTarget] = ()  # functions that debuggers can attach to
    debug_wait: bool = False  # and these wait for one before they are loaded
