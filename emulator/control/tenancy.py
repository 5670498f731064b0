"""What functions cannot have that isolate tenants. Source: spec/execution-environment.md 5."""

from emulator.control.spec import FunctionSpec
from emulator.control.violations import invalid


def refuse_tenants(spec: FunctionSpec, what: str) -> None:
    """Raise InvalidParameterValueException where `spec` isolates tenants."""
    if spec.isolates_tenants:
        raise invalid(f"{what} is not supported for functions with tenant isolation.")
