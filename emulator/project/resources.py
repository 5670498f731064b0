"""The `[resources]` of a project."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from emulator.model.resources import QueueResource, Resource, StreamResource, TableResource
from emulator.project.table import Table
from emulator.project.triggers import s3

QUEUE: Final = r"(?=.{1,80}$)[A-Za-z0-9_-]+(\.fifo)?"
QUEUE_FORM: Final = (
    "a queue's name: up to 80 letters, digits, - or _, with .fifo behind for a FIFO queue"
)

_NAMES: Final = {  # key: kind, form of the name, that form in words
    "buckets": ("bucket", s3.BUCKET, s3.BUCKET_FORM),
    "topics": (
        "topic",
        r"(?=.{1,256}$)[A-Za-z0-9_-]+(\.fifo)?",
        "a topic's name: up to 256 letters, digits, - or _, with .fifo behind for a FIFO topic",
    ),
    "event_buses": (
        "event bus",
        r"[A-Za-z0-9_./-]{1,256}",
        "an event bus's name: up to 256 letters, digits, . - _ or /",
    ),
}
_VISIBILITY_S: Final = 30  # of a queue unless told otherwise
_STREAM: Final = r"[a-zA-Z0-9_.-]{1,128}"
_TABLE: Final = r"[a-zA-Z0-9_.-]{3,255}"
_VIEWS: Final = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
_KEY: Final = r"[^:]{1,255}(:[SNB])?"
_KEY_FORM: Final = "a key attribute like id or id:N"


def read(table: Table) -> tuple[Resource, ...]:
    """Read the table; mistakes are noted in it."""
    found = [
        *_named(table),
        *_queues(table.table_of_names("queues")),
        *_streams(table.table_of_names("streams")),
        *_tables(table.table_of_names("tables")),
    ]
    table.finish()
    return tuple(dict.fromkeys(found))


def _named(table: Table) -> Iterator[Resource]:
    for plural, (kind, form, what) in _NAMES.items():
        for key, name in table.texts(plural):
            if re.fullmatch(form, name):
                yield Resource(kind=kind, name=name)
            else:
                table.problem(key, f'"{name}" is not {what}')


def _queues(declared: Table) -> Iterator[Resource]:
    """Dead-letter queues come first, as the others name them."""
    queues = [_queue(declared.table(name), name) for name in declared.tables_by_name()]
    for queue in sorted(queues, key=lambda each: each.dead_letter_queue is not None):
        if not re.fullmatch(QUEUE, queue.name):
            declared.problem(queue.name, f'"{queue.name}" is not {QUEUE_FORM}')
        yield queue


def _queue(table: Table, name: str) -> QueueResource:
    queue = QueueResource(
        name=name,
        visibility_timeout_s=table.integer(
            "visibility_timeout_s", _VISIBILITY_S, low=0, high=43_200
        ),
        dead_letter_queue=table.text("dead_letter_queue", form=QUEUE, what=QUEUE_FORM) or None,
        max_receives=table.integer("max_receives", 3, low=1, high=1000),
        is_declared=True,
    )
    other = queue.dead_letter_queue
    if other == name:
        table.problem("dead_letter_queue", "is the queue itself")
    elif other is None and "max_receives" in table:
        table.problem("max_receives", "needs a dead_letter_queue")
    elif other is not None and name.endswith(".fifo") != other.endswith(".fifo"):
        table.problem("dead_letter_queue", "must be a FIFO queue exactly if the queue is one")
    table.finish()
    return queue


def fit_queues(
    found: Iterable[Resource], timeouts_s: Mapping[str, int], resources: Table
) -> Iterator[Resource]:
    """Have queues hide messages at least as long as the functions they feed may take.

    AWS refuses a mapping where they do not. timeouts_s: the longest of those functions, by queue.
    """
    for resource in found:
        least_s = timeouts_s.get(resource.name, 0)
        if not isinstance(resource, QueueResource) or resource.visibility_timeout_s >= least_s:
            yield resource
            continue
        if not _sets_visibility(resources, resource.name):
            yield replace(resource, visibility_timeout_s=least_s)
            continue
        resources.table("queues").table(resource.name).problem(
            "visibility_timeout_s",
            f"is less than timeout_s ({least_s}) of the function that the queue feeds",
        )


def _sets_visibility(resources: Table, queue: str) -> bool:
    if not resources.holds_table("queues"):
        return False
    return "visibility_timeout_s" in resources.table("queues").table(queue)


def _streams(declared: Table) -> Iterator[Resource]:
    for name in declared.tables_by_name():
        if not re.fullmatch(_STREAM, name):
            declared.problem(name, "a stream's name has up to 128 letters, digits, - _ or .")
        table = declared.table(name)
        yield StreamResource(name=name, shards=table.integer("shards", 1, low=1, high=500))
        table.finish()


def _tables(declared: Table) -> Iterator[Resource]:
    for name in declared.tables_by_name():
        if not re.fullmatch(_TABLE, name):
            declared.problem(name, "a table's name has 3 to 255 letters, digits, - _ or .")
        table = declared.table(name)
        sort_key = table.text("sort_key", form=_KEY, what=_KEY_FORM)
        yield TableResource(
            name=name,
            partition_key=_key(table.text("partition_key", "id", form=_KEY, what=_KEY_FORM)),
            sort_key=_key(sort_key) if sort_key else None,
            stream_view=table.choice("stream", _VIEWS, "a view of a table's stream")
            if "stream" in table
            else None,
        )
        table.finish()


def _key(text: str) -> tuple[str, str]:
    name, _, kind = text.partition(":")
    return name, kind or "S"
