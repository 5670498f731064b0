"""What we change in moto, one module for each of its services."""

from emulator.aws.patches.patching import Patch, PatchContext, apply
from emulator.aws.patches.registry import LAMBDA_USERS, PATCHES, patches_of, prove

__all__ = [
    "LAMBDA_USERS",
    "PATCHES",
    "Patch",
    "PatchContext",
    "apply",
    "patches_of",
    "prove",
]
