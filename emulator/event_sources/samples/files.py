"""The files of `events/` that `make events` writes: source, kind and options of each."""

from collections.abc import Mapping
from typing import Any, Final

FILES: Final[Mapping[str, tuple[str, str, Mapping[str, Any]]]] = {
    "cognito-pre-sign-up.json": ("cognito", "pre-sign-up", {}),
    "ddb-audit.json": ("dynamodb", "modify", {}),
    "kinesis-analytics.json": ("kinesis", "record", {}),
    "destination-failure.json": ("destination", "failure", {}),
    "nightly-report.json": ("scheduler", "schedule", {"name": "nightly-report"}),
    "function-url-get.json": ("function-url", "get", {}),
    "sns-hook.json": (
        "sns",
        "notification",
        {
            "message": '{"repository":"shop","branch":"main","commits":[{"id":"9fceb02",'
            '"author":"Ada","message":"Orders are sorted by date"}]}',
            "attribute": "event=push",
        },
    ),
    "s3-put.json": ("s3", "put", {}),
    "s3-put-uploads.json": ("s3", "put", {"bucket": "uploads"}),
}
