import json
from pathlib import Path

from tests.cli.conftest import FakeEmulator, Run


def examine(run: Run, port: str) -> dict[str, dict[str, str]]:
    done = run("doctor", "--json", LAMBDA_EMULATOR_PORT=port)
    assert done.returncode == 0, done.stderr
    return {finding["what"]: finding for finding in json.loads(done.stdout)}


def test_what_is_missing_comes_with_a_way_to_get_it(run: Run) -> None:
    findings = examine(run, "0")
    assert {"python3.12", "namespaces", "memory limit", "docker"} < findings.keys()
    assert any(what.startswith("nodejs") for what in findings)
    for finding in findings.values():
        assert bool(finding["advice"]) <= (finding["state"] == "missing")
    assert any(
        finding["state"] == "ok" for what, finding in findings.items() if what.startswith("python")
    )


def test_a_port_that_something_else_has_is_missing(run: Run, fake: FakeEmulator) -> None:
    port = fake.url.rpartition(":")[2]
    finding = examine(run, port)[f"port {port}"]
    assert finding["state"] == "missing"
    assert finding["advice"] == "stop what listens there, or pass --port 0 to pick a free one"


def test_a_port_that_a_running_emulator_has_is_fine(run: Run, fake: FakeEmulator) -> None:
    fake.body = b'{"status": "running", "version": "0.1.0"}'
    port = fake.url.rpartition(":")[2]
    assert examine(run, port)[f"port {port}"]["state"] == "ok"


def test_people_get_a_table_and_the_advice_below_it(run: Run) -> None:
    lines = run("doctor", LAMBDA_EMULATOR_PORT="0").stdout.splitlines()
    assert lines[0].split() == ["WHAT", "FOUND"]
    assert any(line.startswith("not needed  docker") for line in lines)


def test_a_program_that_is_there_is_ok_though_nothing_needs_it(run: Run, tmp_path: Path) -> None:
    program = tmp_path / "nats-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    done = run("doctor", "--json", LAMBDA_EMULATOR_PORT="0", PATH=str(tmp_path))
    found = {finding["what"]: finding for finding in json.loads(done.stdout)}["nats-server"]
    assert (found["state"], found["detail"]) == ("ok", str(program))
