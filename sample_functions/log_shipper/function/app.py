"""Logs what it does; the extension in its layer ships the log."""

import logging

log = logging.getLogger("orders")


def handler(event, context):
    log.info("order accepted", extra={"order": event["order"]})
    return {"accepted": event["order"]}
