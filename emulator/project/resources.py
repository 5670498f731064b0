"""The `[resources]` of a project."""

import re
from collections.abc import Iterator
from typing import Final

from emulator.model.resources import Resource, StreamResource, TableResource
from emulator.project.table import Table
from emulator.project.triggers import s3, sqs

_NAMES: Final = {  # key: kind, form of the name, that form in words
    "buckets": ("bucket", s3.BUCKET, s3.BUCKET_FORM),
    "queues": ("queue", sqs.QUEUE, sqs.QUEUE_FORM),
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
_STREAM: Final = r"[a-zA-Z0-9_.-]{1,128}"
_TABLE: Final = r"[a-zA-Z0-9_.-]{3,255}"
_VIEWS: Final = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
_KEY: Final = r"[^:]{1,255}(:[SNB])?"
_KEY_FORM: Final = "a key attribute like id or id:N"


def read(table: Table) -> tuple[Resource, ...]:
    """Read the table; mistakes are noted in it."""
    found = [*_named(table), *_streams(table.table("streams")), *_tables(table.table("tables"))]
    table.finish()
    return tuple(dict.fromkeys(found))


def _named(table: Table) -> Iterator[Resource]:
    for plural, (kind, form, what) in _NAMES.items():
        for key, name in table.texts(plural):
            if re.fullmatch(form, name):
                yield Resource(kind=kind, name=name)
            else:
                table.problem(key, f'"{name}" is not {what}')


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
