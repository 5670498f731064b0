import threading

from emulator.aws.locks import ServiceLocks


def can_take(locks: ServiceLocks, service: str) -> bool:
    """Whether another thread gets in now."""
    taken = threading.Event()

    def take() -> None:
        with locks.hold(service):
            taken.set()

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    return taken.wait(0.2)


def test_a_service_lets_one_thread_in() -> None:
    locks = ServiceLocks()
    with locks.hold("s3"):
        assert not can_take(locks, "s3")
    assert can_take(locks, "s3")


def test_services_do_not_wait_for_each_other() -> None:
    locks = ServiceLocks()
    with locks.hold("s3"):
        assert can_take(locks, "sqs")


def test_cloudformation_keeps_everybody_out() -> None:
    locks = ServiceLocks()
    with locks.hold("cloudformation"):
        assert not can_take(locks, "s3")
        assert not can_take(locks, "glue")


def test_released_lets_others_in_and_takes_all_back() -> None:
    locks = ServiceLocks()
    with locks.hold("s3"), locks.hold("s3"):
        with locks.released():
            assert can_take(locks, "s3")
        assert not can_take(locks, "s3")
    assert can_take(locks, "s3")


def test_released_without_locks_does_nothing() -> None:
    locks = ServiceLocks()
    with locks.released():
        assert can_take(locks, "s3")
