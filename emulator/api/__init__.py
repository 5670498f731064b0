"""The Lambda API over HTTP."""

from emulator.api.answer import Answer
from emulator.api.lambda_api import LambdaApi

__all__ = ["Answer", "LambdaApi"]
