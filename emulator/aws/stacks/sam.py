"""SAM: templates with its transform become templates of plain CloudFormation."""

import copy
import logging
from collections.abc import Mapping
from typing import Any, Final

from emulator.aws.stacks.intrinsics import TemplateProblem

TRANSFORM: Final = "AWS::Serverless-2016-10-31"


def transforms_of(document: Mapping[str, Any]) -> list[str]:
    """Names of a template's transforms."""
    found = document.get("Transform", [])
    return [found] if isinstance(found, str) else [str(each) for each in found]


def transformed(
    document: Mapping[str, Any], parameters: Mapping[str, Any], region: str
) -> dict[str, Any]:
    """Apply a template's transforms; raises TemplateProblem.

    parameters: values of the template's, as SAM decides by some of them what it makes.
    """
    for name in transforms_of(document):
        if name != TRANSFORM:
            raise TemplateProblem(
                f"No transform named {name} found. The emulator applies {TRANSFORM} only."
            )
    if not transforms_of(document):
        return dict(document)
    return _by_sam(document, parameters, region)


def _by_sam(
    document: Mapping[str, Any], parameters: Mapping[str, Any], region: str
) -> dict[str, Any]:
    import boto3
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    session = boto3.session.Session(region_name=region)
    wanted = copy.deepcopy(dict(document))
    pseudo = {"AWS::Region": region, "AWS::Partition": "aws"}
    try:
        made: dict[str, Any] = Translator(None, Parser(), boto_session=session).translate(
            wanted, {**pseudo, **parameters}, get_managed_policy_map=_no_other_policies
        )
    except InvalidDocumentException as error:
        causes = " ".join(str(cause.message) for cause in error.causes)
        raise TemplateProblem(
            f"Transform {TRANSFORM} failed with: Invalid Serverless Application Specification"
            f" document. Number of errors found: {len(error.causes)}. {causes}"
        ) from error
    made.pop("Transform", None)
    return made


def _no_other_policies() -> dict[str, str]:
    """SAM carries the names of AWS's managed policies; nobody has to be asked for them."""
    return {}
