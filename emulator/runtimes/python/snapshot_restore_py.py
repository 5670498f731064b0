"""Hooks around a SnapStart snapshot, as the module of that name in AWS's Python runtimes has them.

    from snapshot_restore_py import register_after_restore, register_before_snapshot

Both can be called, with arguments for the function, or be used as decorators.
"""

__all__ = ["register_after_restore", "register_before_snapshot"]

_before_snapshot = []
_after_restore = []


def register_before_snapshot(func, *args, **kwargs):
    """Have `func` called before the snapshot is taken, the last one registered first."""
    _before_snapshot.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    """Have `func` called in each environment that is restored, the first one registered first."""
    _after_restore.append((func, args, kwargs))
    return func


def get_before_snapshot():
    """Return what was registered, for the runtime: functions with their arguments."""
    return _before_snapshot


def get_after_restore():
    """Return what was registered, for the runtime: functions with their arguments."""
    return _after_restore
