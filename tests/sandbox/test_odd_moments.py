"""Functions, and moments in the life of their environments, that once went wrong."""

import errno
import json
import re
import signal
import time
from pathlib import Path

import pytest

from emulator.model import LambdaError, Status
from emulator.sandbox import Environments, zygote
from tests.sandbox.conftest import MakeFunction, Run, Terminal, needs_namespaces
from tests.sandbox.test_environment import error_of


def test_a_function_that_prints_without_end_is_stopped_at_its_timeout(
    function: MakeFunction, run: Run
) -> None:
    version = function("import os\ndef handler(e, c):\n    os.system('yes')", timeout_s=1)
    started = time.monotonic()
    assert error_of(run(version))[0] == "Sandbox.Timedout"
    assert time.monotonic() - started < 3


def test_tmp_of_a_node_function_survives_a_crash(function: MakeFunction, run: Run) -> None:
    source = """
        const fs = require('fs')
        exports.handler = async (event) => {
            if (event === 'crash') { fs.writeFileSync('/tmp/kept', ''); process.exit(3) }
            return fs.readdirSync('/tmp')
        }
        """
    version = function(source, file="app.js", runtime="nodejs20.x")
    run(version, "crash")
    assert run(version).payload == b'["kept"]'


def test_what_cannot_be_made_ready_ahead_of_time_is_told_to_who_calls_it_only(
    function: MakeFunction, run: Run, environments: Environments, caplog: pytest.LogCaptureFixture
) -> None:
    version = function("", runtime="python9.9")
    environments.warm(version)
    environments.settle()
    with pytest.raises(LambdaError):
        run(version)
    assert caplog.text == ""


def test_memory_that_forked_processes_share_counts_once(function: MakeFunction, run: Run) -> None:
    version = function(
        """
        import os, time
        def handler(event, context):
            children = []
            for _ in range(5):
                pid = os.fork()
                if pid == 0:
                    time.sleep(0.5)
                    os._exit(0)
                children.append(pid)
            for pid in children:
                os.waitpid(pid, 0)
            return "fine"
        """
    )
    assert run(version).payload == b'"fine"'


def test_memory_of_a_process_that_another_thread_started_counts(
    function: MakeFunction, run: Run
) -> None:
    version = function(
        """
        import subprocess, sys, threading
        EATER = "b = bytearray(300_000_000); b[::4096] = b'x' * len(b[::4096]); input()"
        def handler(event, context):
            thread = threading.Thread(
                target=subprocess.run, args=([sys.executable, "-c", EATER],),
                kwargs={"stdin": subprocess.PIPE, "timeout": 2},
            )
            thread.start(); thread.join()
        """,
        timeout_s=5,
    )
    assert run(version).error_type == "Runtime.OutOfMemory"


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("sys.exit()", "Runtime exited without providing a reason"),
        ("sys.exit('why')", "Runtime exited with error: exit status 1"),
        ("sys.exit(2**40 + 3)", "Runtime exited with error: exit status 3"),
        ("exit(4)", "Runtime exited with error: exit status 4"),
    ],
)
def test_exit_statuses_are_pythons(
    function: MakeFunction, run: Run, statement: str, text: str
) -> None:
    result = run(function(f"import sys\ndef handler(e, c):\n    {statement}"))
    assert error_of(result)[1].endswith(f" Error: {text}")
    assert ("why\n" in result.log.text.decode()) == ("why" in statement)


@pytest.mark.parametrize("name", ["bootstrap", "runtime_client", "isolation", "calendar", "queue"])
def test_a_module_of_the_functions_own_wins(function: MakeFunction, run: Run, name: str) -> None:
    version = function(
        "def handler(e, c):\n    return 'mine'", file=f"{name}.py", handler=f"{name}.handler"
    )
    assert run(version).payload == b'"mine"'


def test_pythonpath_of_the_function_is_searched(function: MakeFunction, run: Run) -> None:
    version = function(
        "import vendored\ndef handler(e, c):\n    return vendored.X",
        environment={"PYTHONPATH": "/var/task/lib"},
    )
    (version.code.folder / "lib").mkdir()
    (version.code.folder / "lib" / "vendored.py").write_text("X = 5")
    assert run(version).payload == b"5"


@pytest.mark.parametrize(
    "statement", ["sys.stdout.close()", "sys.stderr = None", "os.close(1)", "os.close(2)"]
)
def test_a_function_may_close_its_output(function: MakeFunction, run: Run, statement: str) -> None:
    version = function(f"import os, sys\ndef handler(e, c):\n    {statement}; return 1")
    assert run(version).payload == b"1"


def test_a_formatter_of_the_functions_own_is_used(function: MakeFunction, run: Run) -> None:
    version = function(
        """
        import logging
        form = logging.Formatter("%(aws_request_id)s|%(message)s")
        logging.getLogger().handlers[0].setFormatter(form)
        def handler(event, context):
            logging.warning("hello")
            return context.aws_request_id
        """
    )
    result = run(version)
    assert f"\n{json.loads(result.payload)}|hello\n" in result.log.text.decode()


def test_a_decimal_keeps_its_digits(function: MakeFunction, run: Run) -> None:
    version = function(
        "from decimal import Decimal as D\n"
        "def handler(e, c):\n    return [D('1.10'), D('3.14159265358979323846'), D('NaN')]"
    )
    assert run(version).payload == b"[1.10, 3.14159265358979323846, NaN]"


def test_half_a_surrogate_pair_in_a_message_is_no_crash(function: MakeFunction, run: Run) -> None:
    version = function("def handler(e, c):\n    raise ValueError('\\udc80')", runtime="python3.12")
    assert error_of(run(version)) == ("ValueError", "\udc80")


def test_an_error_at_import_is_logged_with_its_traceback_line(
    function: MakeFunction, run: Run
) -> None:
    log = run(function("import missing")).log.text.decode()
    assert "No module named 'missing'\rTraceback (most recent call last):\n" in log


def test_the_deadline_counts_from_the_start_of_a_suppressed_init(
    function: MakeFunction, run: Run
) -> None:
    version = function(
        """
        import os, time
        if not os.path.exists("/tmp/before"):
            open("/tmp/before", "w").close()
            raise ValueError
        time.sleep(1)
        def handler(event, context):
            return context.get_remaining_time_in_millis()
        """
    )
    assert int(run(version).payload) <= 2000


def test_pipes_break_as_in_any_shell(function: MakeFunction, run: Run) -> None:
    source = """\
        #!/bin/sh
        api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
        curl -sS -D /tmp/headers "$api/next"
        id=$(grep -i aws-request-id /tmp/headers | tr -d '[:space:]' | cut -d: -f2)
        ignored=$(grep SigIgn /proc/self/status | cut -f2)
        curl -sS -X POST "$api/$id/response" -d "\\"$ignored\\""
        """
    version = function(source, mode=0o755, file="bootstrap", runtime="provided.al2023")
    ignored = int(json.loads(run(version).payload), 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1))  # others the emulator was started with


def test_a_client_that_offers_http_2_is_served(function: MakeFunction, run: Run) -> None:
    source = """\
        #!/bin/sh
        api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
        curl -sS --http2 -D /tmp/headers "$api/next"
        id=$(grep -i aws-request-id /tmp/headers | tr -d '[:space:]' | cut -d: -f2)
        curl -sS --http2 -X POST "$api/$id/response" -d "1"
        """
    version = function(source, mode=0o755, file="bootstrap", runtime="provided.al2023")
    assert run(version).payload == b"1"


def test_a_library_beside_the_handler_is_found(
    function: MakeFunction, run: Run, tmp_path: Path
) -> None:
    version = function(
        "import ctypes, os\ndef handler(e, c):\n    return os.environ.get('WRAPPED')",
        environment={"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrap"},
    )
    wrap = version.code.folder / "wrap"
    wrap.write_text('#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n')
    wrap.chmod(0o755)
    result = run(version)
    assert (result.status, result.payload) == (Status.SUCCESS, b'"yes"')


@needs_namespaces
def test_the_runtimes_code_stands_where_it_stands_in_aws(function: MakeFunction, run: Run) -> None:
    source = """
        import traceback
        def handler(event, context):
            return [[frame.filename, frame.line] for frame in traceback.extract_stack()][-2]
        """
    file, line = json.loads(run(function(source)).payload)
    assert file == "/var/runtime/bootstrap.py"
    assert "context" in line  # the file is there to be read


def test_a_wrapper_that_is_missing_ends_the_runtime_as_a_shell_does(
    function: MakeFunction, run: Run, terminal: Terminal
) -> None:
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/nowhere"}
    version = function("def handler(e, c):\n    return 1", environment=variables)

    answer = json.loads(run(version).payload)

    assert answer["errorType"] == "Runtime.ExitError"
    assert answer["errorMessage"].endswith("Error: Runtime exited with error: exit status 127")
    assert re.search(
        "/var/runtime/bootstrap: .*/opt/nowhere: [Nn]o", terminal.text
    )  # each shell's own


def test_a_process_is_killed_before_it_leads_its_group(
    function: MakeFunction, environments: Environments
) -> None:
    """Belongs to test_without_namespaces; here it shows that nothing else changed."""
    version = function("def handler(e, c):\n    return 1")
    for _ in range(5):
        environments.prepare(version)
    environments.retire(version)
    assert environments.settle()


def test_a_machine_that_gives_no_more_descriptors_is_told(
    function: MakeFunction, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(content: bytes) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    version = function("def handler(e, c):\n    return 1")
    with monkeypatch.context() as patch:
        patch.setattr(zygote, "_private_file", refuse)
        with pytest.raises(LambdaError, match=r"No runtime can be .* Too many open files"):
            run(version)
    assert run(version).payload == b"1"
