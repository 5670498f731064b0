"""A custom resource as moto's stacks handle it: each step asks a function and waits."""

import json
from collections.abc import Mapping
from typing import Any

from emulator.aws.custom_resources import (
    CustomResourceAnswer,
    CustomResourceError,
    CustomResourceRequest,
    PendingAnswers,
    event,
    parse_answer,
    problem_of,
    refused,
)
from emulator.aws.patches.patching import PatchContext
from emulator.aws.stack_work import Abandoned, work_of_this_thread
from emulator.model import Call, LambdaError


def custom_resource_class(context: PatchContext, pending: PendingAnswers) -> type[Any]:
    """moto's class of custom resources, with ours behind it."""
    from moto.cloudformation.custom_model import CustomModel

    members = {"asker": Asker(context, pending)}
    return type("CustomResource", (_CustomResource, CustomModel), members)


class Asker:
    """Asks functions and topics for custom resources. The locks of CloudFormation must be held."""

    def __init__(self, context: PatchContext, pending: PendingAnswers) -> None:
        self._context = context
        self._pending = pending

    def ask(self, stack: Any, request: CustomResourceRequest) -> CustomResourceAnswer:
        """Send the request and wait for the answer; raises CustomResourceError, Abandoned."""
        from moto.settings import moto_server_port

        if problem := problem_of(request):
            raise CustomResourceError(problem)
        url = self._pending.open(request, f"http://127.0.0.1:{moto_server_port()}")
        try:
            with self._context.locks.released():
                self._send_and_wait(stack, request, url)
        finally:
            body = self._pending.take(url)
        if body is None:
            raise CustomResourceError(
                "CloudFormation did not receive a response from your Custom Resource. Please check"
                f" your logs for requestId [{request.request_id}]."
            )
        return parse_answer(request, body)

    def _send_and_wait(self, stack: Any, request: CustomResourceRequest, url: str) -> None:
        work, is_stopping = work_of_this_thread(), self._context.stopping.is_set
        assert work is not None
        stacks, sending = self._context.stacks, f"{request.request_id} is sent"
        if work.is_abandoned:
            raise Abandoned
        stacks.begin(sending, lambda: None)
        with stacks.waiting(work.key) as resume:
            try:
                has_come = self._pending.when_answered(url, resume)
                self._send(stack, request, json.dumps(event(request, url)))
                self._context.buffer.flush()  # this request may last for an hour
            finally:
                stacks.end(sending)  # from here on the function's invocation is counted
            work.can_be_answered.set()
            stacks.wait(
                request.timeout_s,
                has_come,
                lambda: not (self._pending.has(url) or work.is_abandoned),
                resume,
            )
        if work.is_abandoned or is_stopping():
            raise Abandoned

    def _send(self, stack: Any, request: CustomResourceRequest, document: str) -> None:
        service, region = request.service_token.split(":")[2:4]
        if service == "sns":
            self._publish(request.service_token, document)
            return
        call = Call(
            account=stack.account_id,
            region=region,
            function=request.service_token,
            payload=document.encode(),
            source="cloudformation",
            cause=request.request_id,
        )
        try:
            self._context.functions.accept(call)
        except LambdaError as error:
            raise refused(error) from error

    def _publish(self, topic_arn: str, document: str) -> None:
        from moto.core.exceptions import ServiceException
        from moto.sns.models import sns_backends

        region, account = topic_arn.split(":")[3:5]
        try:
            with self._context.locks.hold("sns"):
                sns_backends[account][region].publish(document, arn=topic_arn)
        except ServiceException as error:
            raise CustomResourceError(error.message) from error
        except KeyError:
            raise CustomResourceError(f'There is no region "{region}"') from None


class _CustomResource:
    """One custom resource of a stack. Owned by the stack's thread."""

    asker: Asker
    stack: Any
    request: CustomResourceRequest  # the last one that succeeded
    answer: CustomResourceAnswer
    logical_resource_id: str

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **known: Any,
    ) -> Any:
        from moto.cloudformation.models import cloudformation_backends

        made = cls.__new__(cls)
        made.stack = cloudformation_backends[account_id][region_name].stacks[known["StackId"]]
        made.request = CustomResourceRequest(
            request_type="Create",
            stack_id=known["StackId"],
            region=region_name,
            resource_type=known["ResourceType"],
            logical_id=known["LogicalId"],
            properties=cloudformation_json["Properties"],
        )
        made.logical_resource_id = known["LogicalId"]
        made.answer = CustomResourceAnswer(resource_name, {}, no_echo=False)
        if problem_of(made.request) is None:  # else nobody is asked, neither now nor then
            known["note"](made)  # what fails half made is deleted, too
        made.answer = cls.asker.ask(made.stack, made.request)
        return made

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, cloudformation_json: dict[str, Any], **_: Any
    ) -> Any:
        old: CustomResourceRequest = original_resource.request
        request = CustomResourceRequest(
            request_type="Update",
            stack_id=old.stack_id,
            region=old.region,
            resource_type=old.resource_type,
            logical_id=old.logical_id,
            properties=cloudformation_json["Properties"],
            physical_id=original_resource.answer.physical_id,
            old_properties=old.properties,
        )
        made = cls.__new__(cls)
        made.stack, made.request = original_resource.stack, request
        made.answer = cls.asker.ask(made.stack, request)
        if made.answer.physical_id != original_resource.answer.physical_id:
            original_resource.delete("", "")  # another resource took its place
        return made

    def delete(self, account_id: str, region: str) -> None:
        self.asker.ask(self.stack, self.request.for_deletion(self.answer.physical_id))

    @property
    def physical_resource_id(self) -> str:
        return self.answer.physical_id

    def is_created(self) -> bool:
        return True

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        data: Mapping[str, Any] = self.answer.data
        if attribute_name not in data:
            raise CustomResourceError(
                f"CustomResource attribute error: Vendor response doesn't contain {attribute_name}"
                f" attribute in object {self.logical_resource_id}"
            )
        return data[attribute_name]
