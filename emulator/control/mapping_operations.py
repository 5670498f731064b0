"""CreateEventSourceMapping and what reads, changes and deletes event source mappings."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from emulator.control import mapping_answers
from emulator.control.function import FunctionConfiguration
from emulator.control.mapping import MappingConfiguration
from emulator.control.mapping_options import SOURCE_KINDS, check, options, source_kind
from emulator.control.mappings import MappingStore
from emulator.control.names import Target, target
from emulator.control.paging import page
from emulator.control.request import Request, RequestContext, Response
from emulator.control.store import FunctionStore
from emulator.control.tenancy import refuse_tenants
from emulator.control.validation import check_tags, check_user_keys
from emulator.control.violations import invalid
from emulator.control.without_effect import NOT_ENCRYPTED, WithoutEffect
from emulator.model import LambdaError
from emulator.model.mapping import EventSourceMapping, SourceDescription

PAGE: Final = 100  # spec/event-source-mappings.md section 1


DescribeSource = Callable[[str], SourceDescription | None]
"""ARN of a queue or stream -> what it is; None: there is none."""


class MappingOperations:
    """Operations on event source mappings. Any thread may call."""

    def __init__(
        self,
        functions: FunctionStore,
        mappings: MappingStore,
        describe_source: DescribeSource,
        without_effect: WithoutEffect,
    ) -> None:
        self._functions = functions
        self._mappings = mappings
        self._describe_source = describe_source
        self._without_effect = without_effect

    def create_event_source_mapping(self, context: RequestContext, request: Request) -> Response:
        """Make a mapping; the answer shows it Creating, the next look Enabled."""
        kind = source_kind(request)
        fields = options(kind, request)
        check_tags(request.get("Tags", {}))
        check_user_keys(request.get("Tags", {}))
        where = target(context.account, context.region, request["FunctionName"])
        mapping = EventSourceMapping(
            uuid=str(uuid.uuid4()),
            account=context.account,
            region=context.region,
            source_arn=request["EventSourceArn"],
            function_arn=where.arn,
            **{"batch_size": kind.batch_size, **fields},
        )
        check(mapping)
        self._check_source(mapping, self._function(context, where))
        made = self._mappings.create(mapping, request.get("Tags"))
        self._tell_of_key(made.mapping)
        return self._answer(made)

    def get_event_source_mapping(self, context: RequestContext, request: Request) -> Response:
        """One mapping."""
        shown = self._mappings.get(context.account, context.region, request["UUID"])
        return self._answer(shown)

    def list_event_source_mappings(self, context: RequestContext, request: Request) -> Response:
        """One page of mappings, of a function or a source where the request names them."""
        found = self._mappings.list_mappings(context.account, context.region)
        if "FunctionName" in request:
            where = target(context.account, context.region, request["FunctionName"])
            found = [shown for shown in found if shown.mapping.function_arn == where.arn]
        if source_arn := request.get("EventSourceArn"):
            found = [shown for shown in found if shown.mapping.source_arn == source_arn]
        shown_here, marker = page(request, found, lambda shown: shown.mapping.uuid, PAGE)
        return {"EventSourceMappings": [self._answer(shown) for shown in shown_here], **marker}

    def update_event_source_mapping(self, context: RequestContext, request: Request) -> Response:
        """Change options, the function, or whether anybody reads."""
        before = self._mappings.get(context.account, context.region, request["UUID"])
        kind = SOURCE_KINDS[before.mapping.service]
        fields = options(kind, request)
        if "FunctionName" in request:
            where = target(context.account, context.region, request["FunctionName"])
            fields["function_arn"] = where.arn
            check(replace(before.mapping, **fields))
            self._check_source(before.mapping, self._function(context, where))

        def change(mapping: EventSourceMapping) -> EventSourceMapping:
            changed = replace(mapping, **fields)
            check(changed)
            return changed

        made = self._mappings.update(context.account, context.region, request["UUID"], change)
        self._tell_of_key(made.mapping)
        return self._answer(made)

    def delete_event_source_mapping(self, context: RequestContext, request: Request) -> Response:
        """Take a mapping away; what it runs ends by itself."""
        going = self._mappings.delete(context.account, context.region, request["UUID"])
        return self._answer(going)

    def _answer(self, shown: MappingConfiguration) -> Response:
        return mapping_answers.configuration(shown, self._mappings.last_result)

    def _tell_of_key(self, mapping: EventSourceMapping) -> None:
        if mapping.kms_key_arn:
            name = f"event source mapping {mapping.uuid}"
            self._without_effect.tell_once("KMSKeyArn", name, NOT_ENCRYPTED)

    def _function(self, context: RequestContext, where: Target) -> FunctionConfiguration:
        self._functions.check_access(context.account, where, "lambda:CreateEventSourceMapping")
        try:
            found = self._functions.get(where)
        except LambdaError as error:
            raise invalid("Function does not exist") from error
        refuse_tenants(found.spec, "An event source mapping")
        return found

    def _check_source(self, mapping: EventSourceMapping, function: FunctionConfiguration) -> None:
        source = self._describe_source(mapping.source_arn)
        if source is None:
            raise invalid(_missing(mapping))
        hidden_s, timeout_s = source.visibility_timeout_s, function.spec.timeout_s
        if hidden_s is not None and hidden_s < timeout_s:
            raise invalid(
                f"Queue visibility timeout: {hidden_s} seconds is less than Function timeout:"
                f" {timeout_s} seconds"
            )


def _missing(mapping: EventSourceMapping) -> str:
    if mapping.service == "sqs":
        return (
            "Error occurred while ReceiveMessage. SQS Error Code:"
            " AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does"
            " not exist."
        )
    return f"Stream not found: {mapping.source_arn}"
