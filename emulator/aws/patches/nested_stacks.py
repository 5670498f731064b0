"""AWS::CloudFormation::Stack: a stack in a stack, changed on the outer one's thread."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlparse

from emulator.aws.patches.stack_exports import backend_of
from emulator.aws.patches.stack_resources import Thing
from emulator.aws.stacks.resource_type import ResourceProblem, Wish, generated_name, require

TYPE = "AWS::CloudFormation::Stack"


class NestedStack:
    """A stack of moto's as a resource of another one."""

    def __init__(self, stack: Any) -> None:
        self.stack = stack

    @property
    def physical_resource_id(self) -> str:
        """What Ref returns."""
        return str(self.stack.stack_id)

    def get_cfn_attribute(self, attribute: str) -> Any:
        """What Fn::GetAtt returns: an output."""
        kind, _, name = attribute.partition(".")
        outputs = {each["OutputKey"]: each["OutputValue"] for each in self.stack.outputs or ()}
        if kind != "Outputs" or name not in outputs:
            raise KeyError(attribute)
        return outputs[name]


class NestedStackHandler:
    """Implements Handler over moto's backend of the outer stack."""

    def __init__(self, outer: Any) -> None:
        self._backend = backend_of(outer)

    def given_name(self, properties: Mapping[str, Any]) -> str | None:
        """It has none."""
        return None

    def new_name(self, stack: str, logical_id: str) -> str:
        """What CloudFormation makes up."""
        return generated_name(stack, logical_id, 128)

    def is_replaced(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Never."""
        return False

    def create(self, wish: Wish, note: Callable[[Thing], None]) -> Thing:
        """Create the stack; raises ResourceProblem when it could not be."""
        require(wish.properties, "TemplateURL")
        body = self._template(wish)
        parameters = _parameters(wish)
        try:
            made = self._backend.create_stack(wish.name, body, parameters, tags=dict(wish.tags))
        finally:  # one that is given up half-way is deleted with the outer one
            for stack in self._backend.stacks.values():
                if stack.name == wish.name:
                    note(NestedStack(stack))
        self._check(made, "CREATE_COMPLETE", "created")
        return NestedStack(made)

    def update(self, thing: Thing, old: Mapping[str, Any], wish: Wish) -> Thing:
        """Update the stack, if anything in it changes."""
        from moto.cloudformation.exceptions import ValidationError

        given = [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in _parameters(wish).items()
        ]
        try:
            body, tags = self._template(wish), dict(wish.tags)
            self._backend.update_stack(thing.physical_resource_id, body, None, given, tags)
        except ValidationError as error:
            if error.message != "No updates are to be performed.":
                raise
            return thing
        self._check(thing.stack, "UPDATE_COMPLETE", "updated")
        return thing

    def delete(self, thing: Thing, wish: Wish) -> bool:
        """Delete the stack."""
        self._backend.delete_stack(thing.physical_resource_id)
        self._check(thing.stack, "DELETE_COMPLETE", "deleted")
        return True

    def _check(self, stack: Any, wanted: str, done: str) -> None:
        if stack.status != wanted:
            why = next(
                (
                    event.resource_status_reason
                    for event in stack.events
                    if event.resource_status.endswith("_FAILED")
                ),
                "",
            )
            raise ResourceProblem(
                f"Embedded stack {stack.stack_id} was not successfully {done}: {why}"
            )

    def _template(self, wish: Wish) -> str:
        from moto.cloudformation.utils import get_stack_from_s3_url
        from moto.s3.exceptions import S3ClientError

        url = str(wish.properties["TemplateURL"])
        try:
            found: str = get_stack_from_s3_url(_local(url), wish.account, "aws")
        except (S3ClientError, AttributeError) as error:
            raise ResourceProblem(f"S3 error: there is no template at {url}") from error
        return found


def _local(url: str) -> str:
    """Bucket and key of an address in path style, as moto reads them."""
    parts = urlparse(url)
    host = parts.hostname or ""
    is_path_style = not host.partition(".s3")[1] or host.startswith("s3")
    return f"http://localhost{parts.path}" if is_path_style else url


def _parameters(wish: Wish) -> dict[str, str]:
    given = wish.properties.get("Parameters", {})
    return {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in given.items()
    }
