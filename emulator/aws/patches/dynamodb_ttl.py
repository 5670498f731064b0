"""DynamoDB: when items expire, which moto takes note of and does nothing about."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from emulator.aws.patches.patching import Patch, PatchContext
from emulator.aws.stream_facts import ItemExpiresFact

_FIVE_YEARS_S: Final = 5 * 365 * 86_400  # what expired longer ago is kept, as in AWS
_SERVICE: Final = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


def patches(context: PatchContext) -> list[Patch]:
    """Patches that tell when to look for expired items."""
    return [
        Patch(
            "moto.dynamodb.models.table:Table.put_item",
            "self, item_attrs, expected, condition_expression, expression_attribute_names, "
            "expression_attribute_values, overwrite, return_values_on_condition_check_failure",
            _put_item(context),
        ),
        Patch(
            "moto.dynamodb.models:DynamoDBBackend.update_time_to_live",
            "self, table_name, ttl_spec",
            _update_time_to_live(context),
        ),
    ]


def tell_expiry(context: PatchContext, table: Any, item: Any) -> None:
    """Tell when an item that was just written expires, if it does."""
    at_s = expires_at(table, item)
    if at_s is not None:
        context.buffer.tell_once(ItemExpiresFact(table_arn=table.table_arn, at_s=at_s))


def expires_at(table: Any, item: Any) -> float | None:
    """When an item expires, in seconds since the epoch; None: never."""
    if table.ttl["TimeToLiveStatus"] != "ENABLED":
        return None
    attribute = item.attrs.get(table.ttl["AttributeName"])
    if attribute is None or attribute.type != "N":
        return None
    try:
        return float(Decimal(attribute.value))
    except InvalidOperation:
        return None


def delete_expired(table: Any, now_s: float) -> float | None:
    """Delete what has expired, as DynamoDB itself; return when the next item does."""
    from moto.dynamodb.models.table import StreamShard

    ahead = []
    for item in table.all_items():
        at_s = expires_at(table, item)
        if at_s is None or at_s < now_s - _FIVE_YEARS_S:
            continue
        if at_s > now_s:
            ahead.append(at_s)
            continue
        shard: StreamShard | None = table.stream_shard
        before = len(shard.items) if shard else 0
        table.delete_item(item.hash_key, item.range_key)
        if shard and len(shard.items) > before:
            shard.items[-1].record["userIdentity"] = dict(_SERVICE)
    return min(ahead, default=None)


def _put_item(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def put_item(self: Any, *arguments: Any, **named: Any) -> Any:
            item = original(self, *arguments, **named)
            tell_expiry(context, self, item)
            return item

        return put_item

    return make


def _update_time_to_live(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def update_time_to_live(self: Any, table_name: str, ttl_spec: dict[str, Any]) -> None:
            original(self, table_name, ttl_spec)
            table = self.get_table(table_name)
            now_s = context.clock.now()
            context.buffer.tell(ItemExpiresFact(table_arn=table.table_arn, at_s=now_s))

        return update_time_to_live

    return make
