"""The stack of a project's template: created, and updated when the template was saved."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from emulator.aws.addresses import Addresses
from emulator.aws.background_work import BackgroundWork
from emulator.aws.custom_resources import is_custom
from emulator.aws.stacks.api_addresses import api_addresses
from emulator.aws.stacks.intrinsics import TemplateProblem
from emulator.aws.stacks.left_out import without_unknown
from emulator.aws.stacks.places import places_of
from emulator.aws.stacks.sam import transformed
from emulator.aws.stacks.template import parse
from emulator.model import DEFAULT_ACCOUNT, DEFAULT_REGION, AwsError, nearest
from emulator.model.project_stack import (
    TEMPLATE_BUCKET,
    StackOutcome,
    StackRequest,
    TemplateMistake,
    TemplateRefused,
)
from emulator.observe import Reporter

_NESTED: Final = "AWS::CloudFormation::Stack"
_NOTHING_TO_DO: Final = "No updates are to be performed."
_UPDATABLE: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
_DONE: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
# What a handler returned is told without how it got here.
_HANDLER_MESSAGE: Final = re.compile(
    r'Resource handler returned message: "(?P<text>.*) \(Service: .*\)" \(RequestToken: .*\)', re.S
)
_CONSEQUENCE: Final = re.compile(r"The following resource\(s\) failed to ")
_UNRESOLVED: Final = re.compile(r"Unresolved resource dependencies \[(.*?)\]")
_NAMING: Final = ("Parameters", "Resources")  # sections
_WAIT_S: Final = 10.0


class ProjectStack:
    """Implements ProjectStacks by operations of CloudFormation. One thread at a time calls."""

    def __init__(
        self,
        call: Callable[[str, str, str, str, Mapping[str, Any]], Mapping[str, Any]],
        stacks: BackgroundWork,
        addresses: Addresses,
        reporter: Reporter,
    ) -> None:
        """Take what calls an operation of a service, and the changes of stacks."""
        self._addresses = addresses
        self._call_service = call
        self._stacks = stacks
        self._is_given_up = False
        self._reporter = reporter

    def parse(self, text: str) -> dict[str, Any]:
        """Read JSON, or YAML with the short forms of functions; raises TemplateRefused."""
        try:
            return parse(text)
        except TemplateProblem as problem:
            raise _refused(problem) from problem

    def check(self, request: StackRequest) -> None:
        """Raise TemplateRefused for what shows before anything is made."""
        self._status(request.name)  # has CloudFormation loaded
        document, _ = without_unknown(self._transformed(request), _is_known)
        try:
            self._call("ValidateTemplate", TemplateBody=json.dumps(document, default=str))
        except AwsError as error:
            raise TemplateRefused(_located(error.message, request.document)) from error

    def deploy(self, request: StackRequest) -> StackOutcome:
        """Create or update a stack and wait until that is over; raises TemplateRefused."""
        status = self._status(request.name)
        document, left_out = without_unknown(self._transformed(request), _is_known)
        self._upload(request.templates)
        if status is not None and status not in _UPDATABLE:
            self._delete(request.name)  # what was never complete cannot be updated
            status = None
        seen = {each["EventId"] for each in self._events(request.name)} if status else set()
        if not self._submit(request, document, "CreateStack" if status is None else "UpdateStack"):
            return self._outcome(request.name, document, [], left_out)
        ended = self._end(request.name)
        if self._is_given_up:
            return StackOutcome()
        events = [each for each in self._events(request.name) if each["EventId"] not in seen]
        if ended not in _DONE:
            raise TemplateRefused(_mistakes(events, request.name))
        return self._outcome(request.name, document, events, left_out)

    def give_up(self) -> None:
        """Have `deploy` wait for nothing more, on whatever thread it is, and return."""
        self._is_given_up = True
        self._stacks.leave_alone()

    def _outcome(
        self,
        name: str,
        document: Mapping[str, Any],
        events: list[Mapping[str, Any]],
        left_out: Mapping[str, str],
    ) -> StackOutcome:
        physical_ids = self._physical_ids(name)
        changed = _having(events, "UPDATE_COMPLETE")  # also by another one in its place
        return StackOutcome(
            added=_having(events, "CREATE_COMPLETE", but=changed),
            changed=changed,
            removed=_having(events, "DELETE_COMPLETE", but=changed),
            physical_ids=physical_ids,
            apis=api_addresses(document, physical_ids, self._addresses.of_api),
            left_out=left_out,
        )

    def _transformed(self, request: StackRequest) -> dict[str, Any]:
        try:
            slots = request.document.get("Parameters") or {}
            defaults = {name: slot["Default"] for name, slot in slots.items() if "Default" in slot}
            values = {**defaults, **request.parameters}
            return transformed(request.document, values, DEFAULT_REGION)
        except TemplateProblem as problem:
            raise _refused(problem) from problem
        except (AttributeError, LookupError, TypeError) as error:  # a text in the place of a list
            text = f"unsupported structure ({type(error).__name__}: {error})"
            raise TemplateRefused([TemplateMistake(text=text)]) from error

    def _upload(self, templates: Mapping[str, str]) -> None:
        """Put templates of stacks in the stack where their addresses lead to."""
        for key, text in templates.items():
            self._call(
                "CreateBucket", "s3", Bucket=TEMPLATE_BUCKET
            )  # again: no error in this region
            self._call("PutObject", "s3", Bucket=TEMPLATE_BUCKET, Key=key, Body=text.encode())

    def _submit(self, request: StackRequest, document: Any, operation: str) -> bool:
        """Ask for the change; False: there is nothing to change."""
        try:
            self._call(
                operation,
                StackName=request.name,
                TemplateBody=json.dumps(document, default=str),
                Parameters=[
                    {"ParameterKey": name, "ParameterValue": value}
                    for name, value in request.parameters.items()
                ],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            )
        except AwsError as error:
            if error.message == _NOTHING_TO_DO:
                return False
            raise TemplateRefused(_located(error.message, request.document)) from error
        return True

    def _delete(self, name: str) -> None:
        self._call("DeleteStack", StackName=name)
        if (status := self._end(name)) is not None:
            text = f"the stack {name}, which is {status}, could not be deleted"
            raise TemplateRefused([TemplateMistake(text=text)])

    def _end(self, name: str) -> str | None:
        """Wait until a stack does not change any more; its status then, None: it is gone."""
        while (status := self._status(name)) is not None and status.endswith("_IN_PROGRESS"):
            if self._stacks.wait_for_end(_WAIT_S):
                return self._status(name)  # in progress still, if a reset has stopped it
            waits_for = ", ".join(self._unfinished(name))
            self._reporter.event("stack.waiting", stack=name, resources=waits_for)
        return status

    def _unfinished(self, name: str) -> list[str]:
        found = self._all("ListStackResources", "StackResourceSummaries", name)
        return [
            each["LogicalResourceId"]
            for each in found
            if each["ResourceStatus"].endswith("_IN_PROGRESS")
        ]

    def _status(self, name: str) -> str | None:
        try:
            [stack] = self._call("DescribeStacks", StackName=name)["Stacks"]
        except AwsError:
            return None
        return str(stack["StackStatus"])

    def _events(self, name: str) -> list[Mapping[str, Any]]:
        """Oldest first."""
        return list(self._all("DescribeStackEvents", "StackEvents", name))[::-1]

    def _physical_ids(self, name: str) -> dict[str, str]:
        """By logical id, those in a stack in this one as `Inner/Hello`."""
        found = {}
        for each in self._all("ListStackResources", "StackResourceSummaries", name):
            logical_id, physical_id = each["LogicalResourceId"], each.get("PhysicalResourceId", "")
            found[logical_id] = physical_id
            if each["ResourceType"] == _NESTED:
                inner = self._physical_ids(physical_id)
                found |= {f"{logical_id}/{name}": inner[name] for name in inner}
        return found

    def _all(self, operation: str, member: str, name: str) -> Iterator[Mapping[str, Any]]:
        more: dict[str, Any] = {}
        while True:
            answer = self._call(operation, StackName=name, **more)
            yield from answer[member]
            if not answer.get("NextToken"):
                return
            more = {"NextToken": answer["NextToken"]}

    def _call(
        self, operation: str, service: str = "cloudformation", **members: Any
    ) -> Mapping[str, Any]:
        return self._call_service(service, operation, DEFAULT_ACCOUNT, DEFAULT_REGION, members)


def _is_known(kind: str) -> bool:
    """Whether stacks can make such resources; CloudFormation has been loaded by then."""
    from emulator.aws.patches.stack_types import StackTypes

    return is_custom(kind) or kind in StackTypes.all()


def _located(message: str, document: Mapping[str, Any]) -> list[TemplateMistake]:
    """What CloudFormation refuses, with the place of names that there are not."""
    found = _UNRESOLVED.search(message)
    names = found[1].split(", ") if found else []
    known = [name for section in _NAMING for name in document.get(section) or ()]
    located = [
        TemplateMistake(
            place=place, text=f'refers to "{name}", which the template lacks{nearest(name, known)}'
        )
        for name in names
        for place in places_of(name, document)
    ]
    return located or [TemplateMistake(text=message)]


def _having(
    events: list[Mapping[str, Any]], status: str, but: Collection[str] = ()
) -> tuple[str, ...]:
    """Logical ids of the resources that reached a status."""
    found = (
        each["LogicalResourceId"]
        for each in events
        if each["ResourceStatus"] == status and each["PhysicalResourceId"] != each["StackId"]
    )
    return tuple(name for name in dict.fromkeys(found) if name not in but)


def _mistakes(events: list[Mapping[str, Any]], name: str) -> list[TemplateMistake]:
    """Why a change failed; what a failure brought about is left out."""
    failed = [
        (each["LogicalResourceId"], str(each.get("ResourceStatusReason", "failed")))
        for each in events
        if each["ResourceStatus"].endswith("_FAILED")
    ]
    own = [TemplateMistake(place=_place(one, name), text=_plain(why)) for one, why in failed]
    causes = [each for each in own if not _CONSEQUENCE.match(each.text)]
    return causes or own or [TemplateMistake(text=f"the stack {name} could not be made")]


def _place(logical_id: str, stack: str) -> str:
    return "" if logical_id == stack else f"Resources.{logical_id}"


def _plain(reason: str) -> str:
    found = _HANDLER_MESSAGE.fullmatch(reason)
    return found["text"] if found else reason


def _refused(problem: TemplateProblem) -> TemplateRefused:
    causes = getattr(problem.__cause__, "causes", None)  # each mistake that SAM found
    if not causes:
        return TemplateRefused([TemplateMistake(text=str(problem))])
    return TemplateRefused([_of_sam(str(cause.message)) for cause in causes])


def _of_sam(message: str) -> TemplateMistake:
    found = re.fullmatch(r"Resource with id \[(\S+)\] is invalid\. (.*)", message, re.S)
    if found is None:
        return TemplateMistake(text=message)
    return TemplateMistake(place=f"Resources.{found[1]}", text=found[2].strip())
