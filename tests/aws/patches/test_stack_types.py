"""The types that stacks can make, and what docs/coverage.md says of them."""

import re
from pathlib import Path

from emulator.aws.patches.stack_types import StackTypes

COVERAGE = Path(__file__).parents[3] / "docs" / "coverage.md"
CUSTOM = {"AWS::CloudFormation::CustomResource"}


def test_every_type_is_listed_and_nothing_else() -> None:
    text = COVERAGE.read_text()
    section = text.partition("## CloudFormation resource types")[2].partition("\n## ")[0]
    listed = re.findall(r"`(AWS::\w+::\w+)`", section)
    assert sorted(listed) == sorted(StackTypes.all() | CUSTOM)
