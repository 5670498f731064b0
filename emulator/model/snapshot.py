"""SnapStart: what came of the snapshot of a function version."""

from emulator.model.value import value


@value
class SnapshotOutcome:
    """Taken; or not, with the reason: the version has failed, or each environment initialises."""

    is_taken: bool
    threads: tuple[str, ...] = ()  # that the init phase has left, and restored environments lack
    reason: str = ""  # why it was not taken, for people
    reason_code: str = ""  # StateReasonCode of a version that has failed

    @property
    def has_failed(self) -> bool:
        """True when the function's own init phase is why there is none."""
        return bool(self.reason_code)
