"""Which function a request's parameter means."""

from collections.abc import Sequence

from flask import request

from emulator.console.parameters import BadParameterError
from emulator.model import FunctionVersion, nearest


def asked_function(versions: Sequence[FunctionVersion], name: str | None) -> FunctionVersion:
    """The caller's own function of that name where there are several; else the only one.

    Raises BadParameterError with the names there are.
    """
    if name is None:
        raise BadParameterError("function", 'parameter "function" is missing')
    account, region = request.environ["emulator.account"], request.environ["emulator.region"]
    found = [version for version in versions if version.name == name]
    if not found:
        names = nearest(name, sorted(version.name for version in versions))
        raise BadParameterError("function", f'function "{name}" is not registered{names}')
    return next((v for v in found if (v.account, v.region) == (account, region)), found[0])
