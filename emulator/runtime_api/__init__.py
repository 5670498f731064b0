"""The conversation with a runtime: rules first, socket second."""

from emulator.runtime_api.endpoint import RuntimeEndpoint
from emulator.runtime_api.rules import Answer, Outcome, valid_error_type

__all__ = ["Answer", "Outcome", "RuntimeEndpoint", "valid_error_type"]
