"""DynamoDB: a stream that tells what changed, once, as AWS has it, and only if it stays."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from emulator.aws.patches import dynamodb_ttl
from emulator.aws.patches.dynamodb_ttl import tell_expiry
from emulator.aws.patches.kinesis import utc
from emulator.aws.patches.patching import SCRATCH_ACCOUNT, Patch, PatchContext
from emulator.aws.stream_facts import RecordsAppendedFact, StreamChangedFact

EVENT_VERSION: Final = "1.1"


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.dynamodb. The service's lock is held whenever one of these runs."""
    table, backend = "moto.dynamodb.models.table", "moto.dynamodb.models:DynamoDBBackend"
    return [
        Patch(f"{table}:utcnow", "", lambda original: lambda: utc(context.clock.now())),
        Patch(f"{table}:StreamShard.add", "self, old, new", _add(context)),
        Patch(f"{table}:Table.set_stream_specification", "self, streams", _set_stream(context)),
        Patch(
            f"{backend}.update_table_streams", "self, table, stream_specification", _enable_again
        ),
        Patch(f"{backend}.delete_table", "self, name", _delete_table(context)),
        Patch(
            f"{backend}.update_item",
            "self, table_name, key, update_expression, expression_attribute_names, "
            "expression_attribute_values, attribute_updates, expected, condition_expression, "
            "return_values_on_condition_check_failure",
            _update_item(context),
        ),
        Patch(f"{backend}.transact_write_items", "self, transact_items", _transact_write_items),
        *dynamodb_ttl.patches(context),
    ]


def prove(context: PatchContext) -> dict[str, str]:
    """Write to a table of an account nobody uses; return what is not in its stream."""
    from moto.dynamodb.models import dynamodb_backends

    backend = dynamodb_backends[SCRATCH_ACCOUNT]["us-east-1"]
    try:
        table = backend.create_table(
            "self-test",
            schema=[{"AttributeName": "id", "KeyType": "HASH"}],
            attr=[{"AttributeName": "id", "AttributeType": "S"}],
            streams={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
            billing_mode="PAY_PER_REQUEST",
            **dict.fromkeys(_UNUSED),  # type: ignore[arg-type]  # None is what moto passes
        )
        for _ in range(2):
            backend.put_item("self-test", {"id": {"S": "1"}})
        backend.update_item("self-test", {"id": {"S": "2"}}, "SET a = :a", {}, {":a": {"S": "x"}})
        assert table.stream_shard is not None
        names = [item.to_json()["eventName"] for item in table.stream_shard.items]
    finally:
        dict.pop(dynamodb_backends, SCRATCH_ACCOUNT)
    if names != ["INSERT", "INSERT"]:
        return {"moto.dynamodb.models.table:StreamShard.add": f"two new items told {names}"}
    return {}


_UNUSED: Final = (
    "throughput",
    "global_indexes",
    "indexes",
    "sse_specification",
    "tags",
    "deletion_protection_enabled",
    "warm_throughput",
)


class _Held:
    """Stands in for a stream and takes note of changes, until it is known that they stay."""

    def __init__(self) -> None:
        self.changes: list[tuple[Any, Any]] = []

    def add(self, old: Any, new: Any) -> None:
        self.changes.append((old, new))


def stream_arn(table: Any) -> str | None:
    """ARN of a table's newest stream; None: it never had one."""
    label = table.latest_stream_label
    return f"{table.table_arn}/stream/{label}" if label else None


def is_streaming(table: Any) -> bool:
    """Whether changes of the table go into its stream."""
    return bool((table.stream_specification or {}).get("StreamEnabled"))


def _add(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def add(self: Any, old: Any, new: Any) -> None:
            table = self.table
            # A disabled stream can still be read, but gets nothing any more.
            if not is_streaming(table) or (old is not None and new is not None and old == new):
                return
            self.items.append(_record(self, old, new, context.clock.now()))
            fact = RecordsAppendedFact(stream_arn=stream_arn(table) or "", shard_id=self.id)
            context.buffer.tell_once(fact)

        return add

    return make


def _record(shard: Any, old: Any, new: Any, now_s: float) -> Any:
    from moto.dynamodb.models.table import StreamRecord

    table = shard.table
    name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    view = table.stream_specification["StreamViewType"]
    number = shard.starting_sequence_number + len(shard.items)
    made = StreamRecord(table, view, name, old, new, number)
    made.record |= {"awsRegion": table.region_name, "eventVersion": EVENT_VERSION}
    change = made.record["dynamodb"]
    change["ApproximateCreationDateTime"] = utc(int(now_s))
    keys = {key: (new if old is None else old).attrs[key] for key in change["Keys"]}
    images = [item for item, image in ((new, "NewImage"), (old, "OldImage")) if image in change]
    change["SizeBytes"] = sum(item.size() for item in images) + sum(
        len(key) + value.size() for key, value in keys.items()
    )
    made.at_s = now_s  # type: ignore[attr-defined]  # ours: to the millisecond
    return made


def _set_stream(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def set_stream_specification(self: Any, streams: dict[str, Any] | None) -> None:
            before = self.latest_stream_label
            original(self, streams)
            if is_streaming(self):
                self.latest_stream_label = _label(context.clock.now(), self)
            arns = {before and f"{self.table_arn}/stream/{before}", stream_arn(self)}
            for arn in sorted(arn for arn in arns if arn):
                context.buffer.tell(StreamChangedFact(stream_arn=arn))

        return set_stream_specification

    return make


def _label(now_s: float, table: Any) -> str:
    """The time to the millisecond; never that of an earlier stream of the table's name."""
    moment = utc(now_s)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    last = _last_labels.get(table.table_arn)
    if last is not None and moment <= last:
        moment = last + timedelta(milliseconds=1)
    _last_labels[table.table_arn] = moment
    return moment.isoformat(timespec="milliseconds")


_last_labels: dict[str, datetime] = {}  # by table ARN; the lock of DynamoDB guards it


def _enable_again(original: Any) -> Any:
    """moto takes a stream that was once enabled for one that is."""

    def update_table_streams(self: Any, table: Any, stream_specification: dict[str, Any]) -> None:
        label = table.latest_stream_label
        if not is_streaming(table):
            table.latest_stream_label = None
        try:
            original(self, table, stream_specification)
        finally:
            table.latest_stream_label = table.latest_stream_label or label

    return update_table_streams


def _delete_table(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def delete_table(self: Any, name: str) -> Any:
            table = original(self, name)
            arn = stream_arn(table)
            if arn:
                context.buffer.tell(StreamChangedFact(stream_arn=arn))
            return table

        return delete_table

    return make


def _update_item(context: PatchContext) -> Callable[[Any], Any]:
    """moto puts a new item with its keys first, and tells that, too; one that fails stays."""

    def make(original: Any) -> Any:
        def update_item(self: Any, table_name: str, *arguments: Any, **named: Any) -> Any:
            table = self.get_table(table_name)
            if not named.get("update_expression") and named.get("attribute_updates") is None:
                named["attribute_updates"] = {}  # moto wants one of the two, DynamoDB neither
            shard, held = table.stream_shard, _Held()
            table.stream_shard = held
            try:
                item = original(self, table_name, *arguments, **named)
            except BaseException:
                for _, new in list(held.changes):
                    table.delete_item(new.hash_key, new.range_key)
                raise
            finally:
                table.stream_shard = shard
            if shard is not None:
                shard.add(held.changes[0][0], held.changes[-1][1])
            tell_expiry(context, table, item)
            return item

        return update_item

    return make


def _transact_write_items(original: Any) -> Any:
    """moto copies whole streams beforehand, and puts the copies in place when it fails.

    It finds no table to put back that was given by ARN.
    """

    def transact_write_items(self: Any, transact_items: list[dict[str, Any]]) -> None:
        transact_items = [
            {kind: _by_name(op) for kind, op in item.items()} for item in transact_items
        ]
        names = {op.get("TableName") for item in transact_items for op in item.values()}
        tables = {name: self.tables[name] for name in names if name in self.tables}
        shards = {name: table.stream_shard for name, table in tables.items() if table.stream_shard}
        held = {name: _Held() for name in shards}
        for name, stand_in in held.items():
            tables[name].stream_shard = stand_in
        try:
            original(self, transact_items)
        except BaseException:
            for stand_in in held.values():
                stand_in.changes.clear()
            raise
        finally:
            for name, shard in shards.items():
                shard.table = self.tables[name]  # another object, if it failed
                shard.table.stream_shard = shard
        for name, stand_in in held.items():
            for old, new in stand_in.changes:
                shards[name].add(old, new)

    return transact_write_items


def _by_name(operation: dict[str, Any]) -> dict[str, Any]:
    name = operation.get("TableName")
    return operation | {"TableName": name.rpartition("/")[2]} if name else operation
