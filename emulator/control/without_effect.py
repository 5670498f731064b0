"""Settings that one machine cannot give the effect they have in AWS: each is told once."""

import threading
from collections.abc import Callable, Mapping
from typing import Final

from emulator.control.spec import FunctionSpec

Tell = Callable[[str], None]
"""Says something on the terminal, in plain words."""

Setting = tuple[Callable[[FunctionSpec], bool], str]

NOT_ENCRYPTED: Final = "it is shown as set; nothing is encrypted here"
COPIED: Final = "the code is copied, and stays as it is when the object in the bucket goes"

SETTINGS: Final[Mapping[str, Setting]] = {  # member: whether it is used, what it does not do here
    "AcceleratorConfig": (
        lambda spec: spec.accelerator_memory_gb is not None,
        "it is shown as set; the function sees the accelerators of this machine, if any",
    ),
    "CapacityProviderConfig": (
        lambda spec: spec.capacity is not None,
        "it is shown as set; the function runs in ordinary environments, each of which runs one"
        " invocation at a time (AWS: PerExecutionEnvironmentMaxConcurrency), so what a handler does"
        " wrong when it runs several times at once in one process is not found here",
    ),
    "DurableConfig.KMSKeyArn": (
        lambda spec: spec.durable is not None and bool(spec.durable.kms_key_arn),
        NOT_ENCRYPTED,
    ),
    "KMSKeyArn": (
        lambda spec: bool(spec.kms_key_arn),
        NOT_ENCRYPTED,
    ),
    "S3ObjectStorageMode": (
        lambda spec: spec.code_object is not None,
        COPIED,
    ),
    "SourceKMSKeyArn": (
        lambda spec: bool(spec.source_kms_key_arn),
        "it is shown as set; code is not encrypted here",
    ),
    "TracingConfig": (
        lambda spec: spec.is_traced,
        "requests are marked as sampled, but there is no X-Ray here that takes their traces",
    ),
    "VpcConfig": (
        lambda spec: spec.vpc is not None and bool(spec.vpc.subnet_ids),
        "it is shown as set; the function has this machine's network, whatever subnets and"
        " security groups allow",
    ),
}


class WithoutEffect:
    """Tells of each member when the first function uses it. Any thread may call."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._told: set[str] = set()

    def look_at(self, spec: FunctionSpec) -> None:
        """Tell what of a function's settings nobody has been told of yet."""
        for member, (is_used, effect) in SETTINGS.items():
            if is_used(spec):
                self.tell_once(member, spec.name, effect)

    def tell_once(self, member: str, name: str, effect: str) -> None:
        """Tell of `member` of what is called `name`, unless that was done for another one."""
        with self._lock:
            is_new = member not in self._told
            self._told.add(member)
        if is_new:
            self._tell(f"{member} of {name}: {effect}.")
