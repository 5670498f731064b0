"""Which functions can have SnapStart."""

from typing import Any

import pytest

from emulator.control.snap_start import check_snap_start
from emulator.control.spec import FunctionSpec
from emulator.model import LambdaError


def spec(runtime: str, **settings: Any) -> FunctionSpec:
    return FunctionSpec(
        name="f", runtime=runtime, handler="h.h", role="", **{"snap_start": True, **settings}
    )


@pytest.mark.parametrize(
    "runtime",
    "python3.12 python3.14 java11 java11.al2023 java21 java25 dotnet8 dotnet10".split(),  # noqa: SIM905
)
def test_newer_runtimes_have_it(runtime: str) -> None:
    check_snap_start(spec(runtime))


@pytest.mark.parametrize(
    "runtime",
    "python3.11 java8 java8.al2 dotnet6 dotnetcore3.1 nodejs24.x ruby3.4 provided.al2023".split(),  # noqa: SIM905
)
def test_others_have_it_not(runtime: str) -> None:
    with pytest.raises(LambdaError, match=f"{runtime} is not supported for SnapStart"):
        check_snap_start(spec(runtime))


@pytest.mark.parametrize(
    "settings",
    [{"ephemeral_storage_mib": 513}, {"is_image": True}, {"isolates_tenants": True}],
)
def test_some_settings_do_not_go_with_it(settings: dict[str, Any]) -> None:
    with pytest.raises(LambdaError, match="for SnapStart enabled functions"):
        check_snap_start(spec("python3.12", **settings))
    check_snap_start(spec("python3.12", **settings, snap_start=False))
