import json

from tests.cli.conftest import FakeEmulator, Run


def test_settle_is_silent_when_all_is_done(fake: FakeEmulator, run: Run) -> None:
    fake.body = b'{"settled": true, "pending": {}}'
    done = run("settle", "--timeout", "2.5")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert fake.asked[0][:2] == ("POST", "/_emulator/settle?timeout=2.5")


def test_settle_says_what_is_still_pending(fake: FakeEmulator, run: Run) -> None:
    message = "after 1 s there is still pending: 1 invocations"
    fake.status, fake.body = 504, json.dumps({"settled": False, "message": message}).encode()
    done = run("settle", "--timeout", "1")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message + "\n")


def test_reset_tells_why_it_could_not(fake: FakeEmulator, run: Run) -> None:
    fake.status, fake.body = 400, b'{"message": "emulator.toml: unknown key"}'
    done = run("reset")
    assert (done.returncode, done.stderr) == (2, f"error: {fake.url}: emulator.toml: unknown key\n")
    fake.status, fake.body = 200, b'{"status": "ok"}'
    assert run("reset").returncode == 0
    assert {asked[:2] for asked in fake.asked} == {("POST", "/_emulator/reset")}
