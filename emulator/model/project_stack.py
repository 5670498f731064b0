"""What is said between a project with a template and the stack that is deployed of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

TEMPLATE_BUCKET: Final = "project-templates"  # of stacks in the project's stack


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateMistake:
    """Why no stack can be made of a template."""

    place: str = ""  # "Resources.Hello.Properties.CodeUri"; "": the template as a whole
    text: str


class TemplateRefused(Exception):
    """No stack can be made of a template, or not the one it asks for."""

    def __init__(self, mistakes: Sequence[TemplateMistake]) -> None:
        super().__init__("\n".join(f"{each.place} {each.text}".strip() for each in mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, kw_only=True, slots=True)
class StackOutcome:
    """What a deployment did, and what there is now. Resources by their logical ids."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    physical_ids: Mapping[str, str] = field(default_factory=dict)
    apis: Mapping[str, str] = field(default_factory=dict)  # addresses of its APIs, by their names
    left_out: Mapping[str, str] = field(default_factory=dict)  # types that stacks cannot make


@dataclass(frozen=True, kw_only=True, slots=True)
class StackRequest:
    """A template to be deployed, which names nothing of the project's folder any more."""

    name: str
    document: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)  # by key in TEMPLATE_BUCKET


class ProjectStacks(Protocol):
    """CloudFormation, as a project needs it."""

    def parse(self, text: str) -> dict[str, Any]:
        """Read JSON, or YAML with the short forms of functions; raises TemplateRefused."""

    def check(self, request: StackRequest) -> None:
        """Raise TemplateRefused for what shows before anything is made."""

    def deploy(self, request: StackRequest) -> StackOutcome:
        """Create or update a stack and wait until that is over.

        Raises TemplateRefused; a stack that was there before is then as it was.
        """

    def give_up(self) -> None:
        """Have `deploy` wait for nothing more, on whatever thread it is, and return."""
