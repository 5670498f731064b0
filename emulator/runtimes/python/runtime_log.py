"""What Lambda's Python runtime logs, as text or JSON: records of `logging`, and errors.

Forms: spec/execution-environment.md section 6.
"""

import json
import logging
import os
import struct
import sys
import time
import traceback

INIT_WARNING = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. "
    "However, in rare cases, a Lambda runtime update can cause unexpected function behavior. "
    "For functions using managed runtimes, runtime updates can be triggered by a function change, "
    "or can be applied automatically. To determine if the runtime has been updated, check the "
    "runtime version in the INIT_START log entry. If this error correlates with a change in the "
    "runtime version, you may be able to mitigate this error by temporarily rolling back to the "
    "previous runtime version. For more information, see "
    "https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html"
)
TEXT_LINE = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
TEXT_TIME = "%Y-%m-%dT%H:%M:%S"
JSON_TIME = TEXT_TIME + "Z"
# A record of several lines is written as AWS's runtime writes each, so that it is one log event:
# type, length, time and text. The emulator knows such frames in what is printed.
FRAME_HEADER = struct.Struct(">IIQ")
TEXT_FRAME = 0xA55A0003
TO_JSON = json.JSONEncoder(ensure_ascii=False).encode

# What `logging` and this module put into a record; the rest is the caller's `extra`.
OWN_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__) | {
    "aws_request_id",
    "tenant_id",
    "message",
    "asctime",
    "taskName",  # since Python 3.12
}


class JsonFormatter(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record):
        """Return the object's text; what is not known, and None, is left out."""
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        line = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": logging.getLevelName(level),
            "message": record.getMessage(),
            "logger": record.name,
            **describe_exception(record),
            "requestId": record.aws_request_id,
            "tenantId": record.tenant_id,
        }
        for name, value in record.__dict__.items():
            if name not in OWN_ATTRIBUTES:
                line.setdefault(name, value)
        return TO_JSON({name: value for name, value in line.items() if value is not None})


def describe_exception(record):
    """Return what a JSON line says of a record's exception."""
    if not record.exc_info or record.exc_info[0] is None:
        return {}
    error_type, error, trace = record.exc_info
    return {
        "stackTrace": traceback.format_tb(trace),
        "errorType": error_type.__name__,
        "errorMessage": str(error),
        "location": "{}:{}:{}".format(record.pathname, record.funcName, record.lineno),
    }


class RequestLog(logging.Handler):
    """Writes records of the `logging` module in Lambda's form, or in one of the function's own."""

    def __init__(self, is_json):
        super().__init__()
        self.is_json = is_json
        self.request_id = ""
        self.tenant_id = None
        form = (
            JsonFormatter(None, JSON_TIME) if is_json else logging.Formatter(TEXT_LINE, TEXT_TIME)
        )
        self.setFormatter(form)

    def filter(self, record):
        """Add what a formatter may ask for."""
        record.aws_request_id = self.request_id
        record.tenant_id = self.tenant_id
        return super().filter(record)

    def emit(self, record):
        """Write one record: one log event, however many lines it has."""
        try:
            text = self.format(record).rstrip("\n")
            if "\n" in text and hasattr(sys.stdout, "buffer"):  # the function may have replaced it
                write_frame(text.encode("utf-8", "backslashreplace"), record.created)
            else:
                sys.stdout.write(text + "\n")
        except Exception:  # noqa: BLE001 - what `logging` asks of its handlers
            self.handleError(record)

    def write_fault(self, fault, is_init=False):
        """Write an error object that the caller of the function gets: one log event."""
        if is_init:
            logging.root.warning(INIT_WARNING)
        text = json_fault(fault) if self.is_json else text_fault(fault)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def write_frame(text, created):
    """Write one log event that has newlines in it."""
    sys.stdout.flush()
    frame = FRAME_HEADER.pack(TEXT_FRAME, len(text), int(created * 1_000_000)) + text
    sys.stdout.buffer.write(frame)
    sys.stdout.flush()


def text_fault(fault):
    """Return the error's text, its lines joined by carriage returns."""
    text = "[ERROR]"
    if fault["errorType"]:
        text += " " + fault["errorType"]
        text += ": " + fault["errorMessage"] if fault["errorMessage"] else ""
    text += "\rTraceback (most recent call last):"
    for line in "".join(fault["stackTrace"]).splitlines():
        text += "\r" + indent_with_nbsp(line)
    return text.replace("\n", "\r")


def json_fault(fault):
    """Return the error as one JSON object."""
    head = {"timestamp": time.strftime(JSON_TIME, time.gmtime()), "log_level": "ERROR"}
    return TO_JSON({**head, **fault})


def indent_with_nbsp(line):
    """Replace the blanks at the start, which CloudWatch would trim."""
    bare = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(bare)) + bare


def install():
    """Give the root logger Lambda's handler, and return it.

    Its level is the function's; in a text log, which has none, it stays WARNING.
    """
    logging.Formatter.converter = time.gmtime
    handler = RequestLog(os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON")
    if handler.is_json:
        level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO")
        logging.root.setLevel("DEBUG" if level == "TRACE" else level)
    logging.root.handlers = [handler]
    return handler
