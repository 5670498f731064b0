"""What becomes of a zygote's child before it runs a line of the function."""

import json
import subprocess
import sys
from pathlib import Path

RUNTIME = Path(__file__).parents[2] / "emulator" / "runtimes" / "python"
# As many as a zygote has open when a few hundred environments live.
ZYGOTE = """
import json, os, resource, sys
sys.path.insert(0, sys.argv[1])
import first_process
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
for _ in range(1100):
    os.open("/dev/null", os.O_RDONLY)
exit_read, exit_write = os.pipe()
spec = os.memfd_create("spec") if hasattr(os, "memfd_create") else os.open(sys.argv[2], os.O_RDWR)
os.write(spec, json.dumps({"cwd": "/", "env": {}, "argv": json.loads(sys.argv[3])}).encode())
pid = os.fork()
if pid == 0:
    first_process.run(
        os.dup(1), exit_write, spec, (), is_program=True, view=None, host_pid=os.getpid
    )
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""

LOOK = """
import os, resource
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], os.listdir("/dev/fd"))
"""


def test_it_closes_more_than_it_may_open_itself(tmp_path: Path) -> None:
    spec = tmp_path / "spec"
    spec.touch()
    ended = subprocess.run(
        [
            *(sys.executable, "-c", ZYGOTE, str(RUNTIME), str(spec)),
            json.dumps([sys.executable, "-S", "-c", LOOK]),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "1024 ['0', '1', '2', '3']\n"  # the last is what lists them
