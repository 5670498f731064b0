"""What identifies one request: its id and its trace."""

import random
import re
from typing import Final
from urllib.parse import unquote

# Own generator: a program that seeds the module's does not make our ids repeat. They are no secret.
_bits: Final = random.Random().getrandbits

_ROOT: Final = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_WHOLE: Final = re.compile(rf"Root={_ROOT.pattern};Parent=[0-9a-f]{{16}};Sampled=[01]")


def new_request_id() -> str:
    """A lower-case UUID of version 4."""
    digits = f"{_bits(128):032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def trace_header(callers: str | None, now: float) -> str:
    """The trace header the function gets: the caller's where it sent a valid one, else a new one.

    A caller's header keeps its root, parent, sampling decision and further members (`Lineage`);
    what it leaves out is filled in. now: seconds since the epoch, part of a new root.
    Source: X-Ray Developer Guide, tracing header.
    """
    if callers is None:
        return f"Root={_new_root(now)};Parent={_bits(64):016x};Sampled=0"
    if _WHOLE.fullmatch(callers):
        return callers
    members = _members(unquote(callers))  # boto3 escapes what stands between two of a Lineage
    root = members.pop("Root", "")
    if not _ROOT.fullmatch(root):
        root = _new_root(now)
        members.pop("Parent", None)  # it belonged to the trace we could not read
    parent = members.pop("Parent", None) or f"{_bits(64):016x}"
    sampled = members.pop("Sampled", None) or "0"
    rest = "".join(f";{key}={value}" for key, value in members.items())
    return f"Root={root};Parent={parent};Sampled={sampled}{rest}"


def decides_sampling(callers: str | None) -> bool:
    """Whether a caller's trace header says if X-Ray is to sample the request."""
    return callers is not None and "ampled=" in callers  # in both cases, as below


def sampled(header: str) -> str:
    """The trace header of a request that X-Ray samples."""
    return header.replace(";Sampled=0", ";Sampled=1", 1)


def _new_root(now: float) -> str:
    return f"1-{int(now):08x}-{_bits(96):024x}"


def _members(header: str) -> dict[str, str]:
    # Names come in both cases: services answer `root=…`, SDKs send `Root=…`.
    pairs = (part.strip().partition("=") for part in header.split(";") if _is_plain(part))
    return {key[:1].upper() + key[1:]: value for key, _, value in pairs if key and value}


def _is_plain(part: str) -> bool:
    """Whether it may stand in a header and in a variable of the environment: no NUL, no newline."""
    return part.isascii() and part.isprintable()
