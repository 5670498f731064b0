"""Ctrl-C ends a command as it ends other programs: status 130, and not a word."""

import os
import signal
import socket
import subprocess
import sys


def _interrupted(command: list[str]) -> tuple[int, str]:
    """Run a command that comes to ask the endpoint, which interrupts it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        variables = {**os.environ, "LAMBDA_EMULATOR_ENDPOINT": url}
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables)
        server.settimeout(30)
        connection, _ = server.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            stderr = process.communicate(timeout=30)[1]
    return process.returncode, stderr


def test_while_a_command_waits_for_the_emulator() -> None:
    assert _interrupted([sys.executable, "-m", "emulator", "invoke", "hello"]) == (130, "")


def test_while_the_command_line_is_imported() -> None:
    ask = (
        "import os, socket, sys\n"
        "class Slow:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'emulator.cli.main':\n"
        "            port = int(os.environ['LAMBDA_EMULATOR_ENDPOINT'].rpartition(':')[2])\n"
        "            socket.create_connection(('127.0.0.1', port)).recv(1)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "from emulator.__main__ import main\n"
        "main()\n"
    )
    assert _interrupted([sys.executable, "-c", ask]) == (130, "")
