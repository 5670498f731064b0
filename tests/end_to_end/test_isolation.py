"""What a function must not see, read, change or end: each way out is tried, by root and nobody."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.nobody import AS_NOBODY, NOBODY, needs_nobody
from tests.end_to_end.processes import wait_until
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import REPOSITORY, RunningEmulator, started_emulator
from tests.sandbox.conftest import needs_namespaces

# In two parts, so that a function that looks for it does not find its own script.
SECRET = ("correct horse", " battery staple")
SPIES = ("python", "node")
PYTHON_SPY = """
import os, subprocess
def handler(event, context):
    done = subprocess.run(["sh", "-c", event], capture_output=True, text=True, errors="replace")
    return done.stdout + done.stderr
"""
NODE_SPY = """
const { spawnSync } = require('node:child_process')
exports.handler = async (event) => {
  const done = spawnSync('sh', ['-c', event], { encoding: 'utf8' })
  return done.stdout + done.stderr
}
"""
NODE_TABLE = """
[functions.node]
code = "node"
handler = "index.handler"
runtime = "nodejs20.x"
timeout_s = 20
"""
VICTIM = f"""
import os, subprocess
assert os.environ["SECRET"] == "{"".join(SECRET)}"
open("/tmp/secret", "w").write(os.environ["SECRET"])
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
def handler(event, context):
    os.environ["SECRET"]
    return [child.poll(), os.path.exists("/tmp/secret"), os.getpid()]
"""
MEMORY_SPY = f"""
def handler(event, context):
    secret = "{SECRET[0]}".encode()
    secret += "{SECRET[1]}".encode()
    found = []
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            place, rights, *_, name = line.split(None, 5) + [""]
            if rights.startswith("rw") and "[v" not in line:
                first, last = (int(part, 16) for part in place.split("-"))
                memory.seek(first)
                found += [line] * (memory.read(last - first).count(secret) > 1)
    return found
"""
THREADS = """
import os, threading
def handler(event, context):
    end, started = threading.Event(), []
    try:
        while len(started) < 5000:
            thread = threading.Thread(target=end.wait)
            thread.start()
            started.append(thread)
    except RuntimeError:
        pass
    try:
        os.fork() or os._exit(0)
        refusal = None
    except OSError as error:
        refusal = error.errno
    end.set()
    for thread in started:
        thread.join()
    return [len(started), refusal]
"""
LIMITS = """
import os, resource
def handler(event, context):
    if event == "files":
        opened = []
        try:
            while True:
                opened.append(os.dup(0))
        except OSError as error:
            return [max(opened), error.errno]
        finally:
            for descriptor in opened:
                os.close(descriptor)
    return resource.getrlimit(resource.RLIMIT_STACK)
"""
# All a function can reach, but what is the machine's own: programs, not files of users.
SEARCH = "grep -rlsE '{}' / " + " ".join(
    f"--exclude-dir={name}" for name in ("proc", "sys", "usr", "etc", "versions", "runtime")
)

pytestmark = [pytest.mark.slow, needs_namespaces]


@dataclass(frozen=True, slots=True)
class Prison:
    """A running emulator whose functions try to get out."""

    emulator: RunningEmulator
    folder: Path  # project, scratch and what else the user has
    functions: Any

    def run(self, spy: str, script: str) -> str:
        """Run a shell script in the environment of a function."""
        return str(invoke(self.functions, spy, script).result)


@pytest.fixture(scope="module", params=["root", pytest.param("nobody", marks=needs_nobody)])
def prison(request: pytest.FixtureRequest) -> Iterator[Prison]:
    is_nobody = request.param == "nobody"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prison-")))
        folder.chmod(0o755)
        project = write_project(folder / "project")
        scratch = folder / "scratch"
        scratch.mkdir()
        command: tuple[str, ...] = (sys.executable, "-m", "emulator")
        variables = {"TMPDIR": str(scratch)}
        if is_nobody:
            os.chown(scratch, NOBODY, NOBODY)
            variables["HOME"] = "/nonexistent"
            command = (*AS_NOBODY, request.getfixturevalue("python"), "-m", "emulator")
            variables["PYTHONPATH"] = request.getfixturevalue("packages")
        emulator = stack.enter_context(started_emulator(project, command=command, **variables))
        functions = emulator.client("lambda")
        invoke(functions, "victim")
        if "sandbox.without_namespaces" in emulator.output:
            pytest.skip("this kernel gives nobody no namespaces")
        yield Prison(emulator, folder, functions)
        emulator.process.terminate()
        assert emulator.process.wait(20) == 0


def write_project(path: Path) -> Path:
    project = ProjectFolder(path, NODE_TABLE)
    (path / "node").mkdir()
    (path / "node" / "index.js").write_text(NODE_SPY)
    project.add("python", PYTHON_SPY, "timeout_s = 20")
    project.add("memory", MEMORY_SPY, "timeout_s = 20")
    project.add("threads", THREADS, "timeout_s = 20\nmemory_mib = 1024")
    project.add("limits", LIMITS)
    project.add("victim", VICTIM, f'environment = {{ SECRET = "{"".join(SECRET)}" }}')
    return path


@pytest.fixture(params=SPIES)
def spy(request: pytest.FixtureRequest) -> str:
    if request.param == "node" and shutil.which("node") is None:
        pytest.skip("there is no node")
    return str(request.param)


def test_nothing_of_the_user_or_of_other_functions_is_in_reach(prison: Prison, spy: str) -> None:
    pattern = f"{SECRET[0]}.{SECRET[1].strip()}"
    assert prison.run(spy, SEARCH.format(pattern)) == ""
    paths = [prison.folder, REPOSITORY / "emulator", Path.home() / ".bashrc", Path("/.host")]
    for path in paths:
        assert "No such file" in prison.run(spy, f"ls -d {path}")
    seen = prison.run(spy, "ls /var/task /tmp /home /run /mnt /media /srv /var 2>/dev/null")
    assert not {"victim", "secret", "emulator.toml"} & set(seen.split())


def test_no_process_of_others_is_seen_signalled_or_read(prison: Prison, spy: str) -> None:
    seen = prison.run(spy, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert "sleep" not in seen
    pattern = f"{SECRET[0]}.{SECRET[1].strip()}"
    assert prison.run(spy, f"grep -lsE '{pattern}' /proc/[0-9]*/environ") == ""
    for entry in ("environ", "mem", "maps", "root/tmp", "cwd/"):
        refusal = prison.run(spy, f"cat /proc/1/{entry} > /tmp/read; ls /proc/1/{entry}")
        assert "ermission denied" in refusal
        assert prison.run(spy, "find /tmp -type f -size +0") == ""
    # Its own processes are spared: those that /proc shows.
    kill = (
        "for p in $(seq 1 $1); do [ -e /proc/$p ] || { kill -9 $p && echo $p; }; done 2>/dev/null"
    )
    assert prison.run(spy, f"set -- 40000; {kill}") == ""
    before = invoke(prison.functions, "victim").result
    prison.run(spy, "kill -9 1; kill -STOP 1; kill -INT 1; kill -CHLD 1")
    assert invoke(prison.functions, "victim").result == before
    assert before[:2] == [None, True]


def test_the_processes_of_a_function_are_its_own_and_no_process_is_number_one(
    prison: Prison, spy: str
) -> None:
    # AWS's runtime is not process 1 either: it would ignore the signals it sends to itself.
    assert int(prison.run(spy, "echo $PPID")) > 1
    # An orphan is adopted and buried, so that no zombie counts against the limit.
    prison.run(spy, "for n in 1 2 3; do (sh -c 'exit 0' &) ; done")
    assert wait_until(lambda: "Z" not in prison.run(spy, "cut -d' ' -f3 /proc/[0-9]*/stat"))


UNDOING = [
    "umount /var/task",
    "umount -l /proc",
    "mount -o remount,rw /var/task",
    "mount -o remount,rw,bind /usr",
    "mount -t tmpfs none /opt",
    "unshare -m true",
    "unshare -Urm umount /var/task",
    "unshare -Urm mount -o remount,rw,bind /var/task",
    "unshare -Urm umount -l /proc",
    "nsenter -t 1 -m true",
    "nsenter -t 1 -U true",
    "chroot / true",
    "mknod /tmp/sda b 8 0",
    "touch /var/task/new",
    "touch /usr/new",
    "touch /etc/new",
    "touch /new",
    "touch /var/new",
    "echo x > /proc/sys/kernel/core_pattern",
    "echo b > /proc/sysrq-trigger",
    "echo 1 > /sys/kernel/uevent_helper",
    "cat /etc/shadow",
    "chown 0 /tmp",
    "renice -n -5 $$",
]


@pytest.mark.parametrize("script", UNDOING)
def test_the_mounts_and_rights_of_a_function_cannot_be_changed(prison: Prison, script: str) -> None:
    for spy in SPIES[: 1 + (shutil.which("node") is not None)]:
        program = script.split()[0]
        if "not found" in prison.run(spy, f"{program} --version"):
            continue  # this machine lacks it
        assert prison.run(spy, f"({script}) >/dev/null 2>&1 && echo done") == ""
    assert "app.py" in prison.run("python", "ls /var/task")


def test_a_function_has_no_capability_and_gains_none(prison: Prison, spy: str) -> None:
    status = prison.run(spy, "cat /proc/self/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert [int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")] == [0] * 4
    assert fields["NoNewPrivs"] == "1"
    assert set(fields["Uid"].split()) == {str(NOBODY)}


def test_the_memory_a_function_inherits_holds_nothing_of_others(prison: Prison) -> None:
    assert invoke(prison.functions, "memory").result == []


def test_a_function_may_write_to_its_tmp_and_its_output(prison: Prison, spy: str) -> None:
    # Through a pipe, as Node gives its children sockets, which nobody can open again.
    script = "echo kept > /tmp/file; cat /tmp/file; (echo seen > /dev/stdout) | cat"
    assert prison.run(spy, script) == "kept\nseen\n"
    assert "whole" in prison.run(spy, "head -c 5 /dev/urandom | wc -c | sed 's/^5$/whole/'")


def test_a_folder_that_only_root_may_read_works_when_root_runs_it(
    tmp_path: Path, prison: Prison
) -> None:
    if os.stat(prison.emulator.scratch).st_uid == NOBODY:
        pytest.skip("nobody may not read it anyhow")
    code = tmp_path / "private"
    code.mkdir(mode=0o700)
    (code / "app.py").write_text("import os\ndef handler(e, c):\n    return os.getuid()\n")
    (code / "app.py").chmod(0o600)
    supports = subprocess.run(["findmnt", "-no", "FSTYPE", "-T", str(code)], capture_output=True)
    if supports.stdout.strip() not in (b"ext4", b"xfs", b"btrfs", b"tmpfs"):
        pytest.skip("this file system cannot show files as another user's")
    prison.functions.create_function(
        FunctionName="private",
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"S3Bucket": "hot-reload", "S3Key": str(code)},
    )
    assert json.dumps(invoke(prison.functions, "private").result) == str(NOBODY)


def test_an_environment_has_1024_processes_and_threads(prison: Prison) -> None:
    if "sandbox.without_process_limit" in prison.emulator.output:
        pytest.skip("this kernel cannot limit them")
    count, refusal = invoke(prison.functions, "threads").result
    assert 1_000 < count < 1_024
    assert refusal == errno.EAGAIN
    # Each environment counts for itself, and what has ended counts no longer.
    assert prison.run("python", "echo still | cat") == "still\n"
    assert wait_until(lambda: 1_000 < invoke(prison.functions, "threads").result[0] < 1_024)


def test_an_environment_has_1024_descriptors_and_eight_megabytes_of_stack(prison: Prison) -> None:
    assert invoke(prison.functions, "limits", "files").result == [1_023, errno.EMFILE]
    assert invoke(prison.functions, "limits", "stack").result == [8 << 20, 8 << 20]
