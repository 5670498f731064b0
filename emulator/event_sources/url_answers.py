"""What function URLs answer by themselves, when no function does.

Source: spec/events.md section 7.3.
"""

from typing import Final

from emulator.event_sources.http_messages import JSON, HttpAnswer, json_answer
from emulator.model import LambdaError

_DENIED: Final = ("x-amzn-ErrorType", "AccessDeniedException")

# The function failed, or answered what is no HTTP response.
BAD_GATEWAY: Final = HttpAnswer(status=502, headers=(JSON,), body=b"Internal Server Error")
UNKNOWN_URL: Final = json_answer(403, {"Message": None}, _DENIED)
FORBIDDEN: Final = json_answer(
    403,
    {
        "Message": "Forbidden. For troubleshooting Function URL authorization issues, see:"
        " https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
    },
    _DENIED,
)


def refused(error: LambdaError) -> HttpAnswer:
    """What keeps a function from running: too many run already, too large, a wrong signature."""
    kind = ("x-amzn-ErrorType", error.code)
    key = error.fault.message_key if error.fault.status == 403 else "Message"
    return json_answer(error.fault.status, {key: error.message}, kind)
