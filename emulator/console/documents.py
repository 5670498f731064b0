"""What the console shows, as JSON documents."""

import json
from typing import Any

from emulator.invoke import Backlog
from emulator.model import Clock, FunctionVersion
from emulator.observe import InvocationRecord


def of_record(record: InvocationRecord) -> dict[str, Any]:
    """One invocation; `response` where it succeeded, `error` where it did not."""
    outcome = "response" if record.status == "success" else "error"
    return {
        "request_id": record.request_id,
        "function": record.function,
        "version": record.version,
        "qualifier": record.qualifier,
        "source": record.source,
        "cause": record.cause,
        "attempt": record.attempt,
        "status": record.status,
        "error_type": record.error_type,
        "cold": record.is_cold,
        "duration_ms": record.duration_ms,
        "billed_ms": record.billed_ms,
        "init_ms": record.init_ms,
        "max_memory_mib": record.max_memory_mib,
        "environment": record.environment_id,
        "accepted_at": record.accepted_at,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "event": _parsed(record.event),
        outcome: _parsed(record.response),
        "log": record.log,
    }


def of_function(version: FunctionVersion) -> dict[str, Any]:
    """One function as `lambda-emulator list` shows it."""
    return {
        "name": version.name,
        "arn": version.arn,
        "account": version.account,
        "region": version.region,
        "runtime": version.runtime,
        "handler": version.handler,
        "timeout_s": version.timeout_s,
        "memory_mib": version.memory_mib,
        "code": str(version.code.folder),
        "live": version.code.is_live,
        "log_group": version.log_group_name,
    }


def of_backlog(backlog: Backlog) -> dict[str, Any]:
    """The asynchronous queues; times in seconds, None where nothing waits."""
    return {
        "depth": backlog.depth,
        "running": backlog.running,
        "oldest_age_s": backlog.oldest_age_s,
        "next_due_s": backlog.next_due_s,
        "given_up": backlog.given_up,
        "dropped": backlog.dropped,
        "functions": [
            {
                "name": each.function_arn.rpartition(":")[2],
                "arn": each.function_arn,
                "depth": each.depth,
                "running": each.running,
                "attempts": each.attempts,
                "oldest_age_s": each.oldest_age_s,
                "next_due_s": each.next_due_s,
            }
            for each in backlog.functions
        ],
    }


def of_clock(clock: Clock) -> dict[str, Any]:
    """Seconds since the epoch, and whether they stand still."""
    return {"now": clock.now(), "frozen": clock.is_frozen}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # cut because it was long, or never JSON: the text as it is
        return text
