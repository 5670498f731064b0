"""CloudWatch Logs: filter patterns, subscription filters that mind them, ids as in AWS."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from emulator.aws.log_facts import LogEventsFact, LogSubscriptionFact
from emulator.aws.log_subscriptions import logs_may_invoke, next_event_id, subscribed_groups
from emulator.aws.patches.kinesis import utc
from emulator.aws.patches.patching import NOBODY, SCRATCH_ACCOUNT, Patch, PatchContext
from emulator.model.log_condition import InvalidLogPattern
from emulator.model.log_pattern import LogPattern, parse_log_pattern

_DISTRIBUTIONS: Final = ("ByLogStream", "Random")
_NOT_PERMITTED: Final = (
    "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to"
    " execute your function."
)
_RESERVED: Final = (
    "The log group provided is reserved for the function logs of the destination function."
)


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.logs."""
    module = "moto.logs.models"
    return [
        Patch(f"{module}:utcnow", "", lambda original: lambda: utc(context.clock.now())),
        Patch(f"{module}:LogEvent.__init__", "self, ingestion_time, log_event", _event),
        Patch(f"{module}:LogStream.put_log_events", "self, log_events", _put_log_events(context)),
        Patch(
            f"{module}:LogsBackend.put_subscription_filter",
            "self, log_group_name, filter_name, filter_pattern, destination_arn, role_arn",
            _put_subscription_filter(context),
        ),
        Patch(
            f"{module}:LogGroup.put_subscription_filter",
            "self, filter_name, filter_pattern, destination_arn, role_arn",
            _replace_filter,
        ),
        Patch(
            f"{module}:LogsBackend.delete_subscription_filter",
            "self, log_group_name, filter_name",
            _then_watch(context),
        ),
        Patch(
            f"{module}:LogsBackend.delete_log_group", "self, log_group_name", _then_watch(context)
        ),
        Patch(
            "moto.logs.responses:LogsResponse.put_subscription_filter", "self", _with_distribution
        ),
        Patch(f"{module}:SubscriptionFilter.to_json", "self", _describe),
        Patch(
            f"{module}:LogsBackend.filter_log_events",
            "self, log_group_name, log_stream_names, start_time, end_time, limit, next_token, "
            "filter_pattern, interleaved",
            _filter_log_events,
        ),
        Patch(
            "moto.logs.utils:EventMessageFilter.__init__",
            "self, pattern",
            lambda original: _make_message_filter,
        ),
        Patch(
            "moto.logs.utils:EventMessageFilter.matches",
            "self, message",
            lambda original: lambda self, message: self.pattern.matches(message),
        ),
    ]


def prove(context: PatchContext) -> dict[str, str]:
    """Write a line in an account nobody uses; return what did not come through."""
    from moto.logs.models import SubscriptionFilter, logs_backends

    backend = logs_backends[SCRATCH_ACCOUNT]["us-east-1"]
    function = f"arn:aws:lambda:us-east-1:{SCRATCH_ACCOUNT}:function:self-test"
    try:
        backend.create_log_group("self-test", {})
        backend.create_log_stream("self-test", "stream")
        group = backend.groups["self-test"]
        made = SubscriptionFilter("filter", "self-test", "hello", function, "")
        group.subscription_filters["filter"] = made
        with context.buffer.request(NOBODY) as facts:
            group.put_log_events(
                "stream",
                [{"timestamp": 0, "message": "hello"}, {"timestamp": 0, "message": "other"}],
            )
    finally:
        dict.pop(logs_backends, SCRATCH_ACCOUNT)
    told = [
        each.message for fact in facts if isinstance(fact, LogEventsFact) for each in fact.events
    ]
    return {} if told == ["hello"] else {"moto.logs.models:LogStream.put_log_events": f"{told}"}


def _event(original: Any) -> Any:
    def init(self: Any, ingestion_time: int, log_event: Mapping[str, Any]) -> None:
        original(self, ingestion_time, log_event)
        self.event_id = next_event_id(self.timestamp)

    return init


def _put_log_events(context: PatchContext) -> Callable[[Any], Any]:
    """moto sends every line to every subscription filter."""

    def make(original: Any) -> Any:
        def put_log_events(self: Any, log_events: Sequence[Mapping[str, Any]]) -> str:
            now_ms = int(context.clock.now() * 1000)
            context.log_subscriptions.append(self, log_events, now_ms)
            self.upload_sequence_token += 1
            return f"{self.upload_sequence_token:056d}"

        return put_log_events

    return make


def _put_subscription_filter(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def put_subscription_filter(
            self: Any,
            log_group_name: str,
            filter_name: str,
            filter_pattern: str,
            destination_arn: str,
            role_arn: str,
        ) -> None:
            _parse(filter_pattern)
            given = log_group_name, filter_name, filter_pattern, destination_arn, role_arn
            if destination_arn.split(":")[2:3] != ["lambda"]:
                original(self, *given)
                return
            where = self.account_id, self.region_name, log_group_name
            if log_group_name in self.groups:
                _check_function(context, destination_arn, *where)
            original(self, *given)
            context.watch_logs(subscribed_groups())
            account, region, group = where
            at_ms = int(context.clock.now() * 1000)
            context.buffer.tell(
                LogSubscriptionFact(
                    function_arn=destination_arn,
                    account=account,
                    region=region,
                    group=group,
                    at_ms=at_ms,
                )
            )

        return put_subscription_filter

    return make


def _check_function(
    context: PatchContext, function_arn: str, account: str, region: str, group: str
) -> None:
    from moto.logs.exceptions import InvalidParameterException

    # What a function logs about its own log would never end.
    if context.functions.log_group(function_arn) == group:
        raise InvalidParameterException(_RESERVED)
    may_invoke = logs_may_invoke(context.permissions, function_arn, account, region, group)
    if not (context.functions.exists(function_arn) and may_invoke):
        raise InvalidParameterException(_NOT_PERMITTED)


def _replace_filter(original: Any) -> Any:
    """A log group has two filters at most; moto lets neither of two be changed."""

    def put_subscription_filter(self: Any, filter_name: str, *settings: Any) -> None:
        if filter_name in self.subscription_filters:
            self.subscription_filters[filter_name].update(*settings)
        else:
            original(self, filter_name, *settings)

    return put_subscription_filter


def _then_watch(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def act(self: Any, *arguments: Any, **more: Any) -> None:
            original(self, *arguments, **more)
            context.watch_logs(subscribed_groups())

        return act

    return make


def _with_distribution(original: Any) -> Any:
    """How lines are spread over a stream's shards: kept, as moto writes to one shard only."""

    def put_subscription_filter(self: Any) -> Any:
        from moto.logs.exceptions import InvalidParameterException

        distribution = self._get_param("distribution") or _DISTRIBUTIONS[0]
        if distribution not in _DISTRIBUTIONS:
            raise InvalidParameterException(
                constraint=f"Member must satisfy enum value set: [{', '.join(_DISTRIBUTIONS)}]",
                parameter="distribution",
                value=distribution,
            )
        answer = original(self)
        group = self.logs_backend.groups[self._get_param("logGroupName")]
        made = group.subscription_filters[self._get_param("filterName")]
        made.distribution = distribution
        return answer

    return put_subscription_filter


def _describe(original: Any) -> Any:
    def to_json(self: Any) -> dict[str, Any]:
        described = original(self) | {
            "distribution": getattr(self, "distribution", _DISTRIBUTIONS[0])
        }
        return {name: value for name, value in described.items() if value is not None}

    return to_json


def _filter_log_events(original: Any) -> Any:
    """A pattern is refused even where there is no line to match."""

    def filter_log_events(self: Any, *arguments: Any, **more: Any) -> Any:
        _parse(more.get("filter_pattern", arguments[6] if len(arguments) > 6 else None))
        return original(self, *arguments, **more)

    return filter_log_events


def _make_message_filter(self: Any, pattern: str | None) -> None:
    self.pattern = _parse(pattern)


def _parse(pattern: str | None) -> LogPattern:
    from moto.logs.exceptions import InvalidParameterException

    try:
        return parse_log_pattern(pattern or "")
    except InvalidLogPattern as error:
        raise InvalidParameterException(str(error)) from None
