"""Samples of the steps of a rotation."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import Rotation
from emulator.event_sources.samples import constants
from emulator.event_sources.secrets import event


def _sample(step: str) -> Callable[..., dict[str, Any]]:
    def rotation(
        *,
        secret: str = "database-AbCdEf",
        token: str = "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111",
        region: str = constants.REGION,
        account: str = constants.ACCOUNT,
    ) -> dict[str, Any]:
        made = Rotation(
            secret_arn=f"arn:aws:secretsmanager:{region}:{account}:secret:{secret}",
            function_arn=f"arn:aws:lambda:{region}:{account}:function:rotate",
            token=token,
        )
        return event(made, step)

    rotation.__doc__ = f"The step {step} of a rotation."
    return rotation


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "create": _sample("createSecret"),
    "set": _sample("setSecret"),
    "test": _sample("testSecret"),
    "finish": _sample("finishSecret"),
}
