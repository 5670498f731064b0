"""Which events Lambda takes: their size and their form."""

import json
from typing import Final, NoReturn

from emulator.model import LambdaError


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Non-standard token '{name}'")  # Python's parser would take NaN


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)
parse: Final = _DECODER.decode
"""A JSON document as every parser takes it. Raises ValueError, or RecursionError when too deep."""

_BLANKS: Final = ("", " ", "\t", "\r", "\n")


def check_payload(payload: bytes, limit_bytes: int) -> None:
    """Raise `LambdaError` unless `payload` is JSON in UTF-8 of at most `limit_bytes`.

    Source: spec/invoke.md sections 1.1 and 4.
    """
    if len(payload) > limit_bytes:
        raise LambdaError(
            "RequestEntityTooLargeException",
            f"Request must be smaller than {limit_bytes} bytes for the InvokeFunction operation",
        )
    try:
        text = payload.decode()
        # Nearly always there is no blank around the document, which `decode` looks for twice.
        if text[:1] not in _BLANKS and _DECODER.raw_decode(text)[1] == len(text):
            return
        parse(text)
    except json.JSONDecodeError as error:
        raise _not_json(error.msg, error.lineno, error.colno) from None
    except (ValueError, RecursionError) as error:  # not UTF-8, NaN, nested too deeply
        raise _not_json(str(error), 1, 1) from None


def _not_json(reason: str, line: int, column: int) -> LambdaError:
    return LambdaError(
        "InvalidRequestContentException",
        "Could not parse request body into json: Could not parse payload into json: "
        f"{reason}\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` "
        f"disabled); line: {line}, column: {column}]",
    )
