"""How a zygote gets namespaces of its own, out of which it can still be seen that it ends."""

import os
import shutil
import signal

import isolation
import kernel

EMULATOR_GONE = 3  # exit status of a zygote whose emulator did not end it


class HostCount:
    """Tells the number of the process that calls, as the emulator counts."""

    def __init__(self):
        self.descriptor = os.open("/proc", os.O_RDONLY | os.O_CLOEXEC)  # as the host has it

    def __call__(self):
        """Return the number."""
        return int(os.readlink("self", dir_fd=self.descriptor))


def isolate(host_pid, options):
    """Go on as process 1 of new namespaces, while the process that called waits for its end.

    options: of the zygote's command line.
    Returns how the zygote sees the host then; None, in the process that called and with nothing
    changed, where the kernel does not allow it: half of a namespace is worse than none.
    """
    ready, tell = os.pipe()
    outer = os.fork()
    if outer != 0:
        os.close(tell)
        if os.read(ready, 1):
            wait_and_clean(outer, options["run_folder"])
        os.close(ready)
        os.waitpid(outer, 0)
        return None
    kernel.die_with_parent(signal.SIGKILL)
    try:
        isolation.unshare_all()
        pid = os.fork()
        if pid != 0:
            os._exit(wait_alone(pid))
        kernel.die_with_parent(signal.SIGKILL)
        host = kernel.open_namespace("mnt")
        isolation.build_root(
            options["scratch"], options["runtime_folder"], options["shown"], options["hidden"]
        )
        view = isolation.HostView(host, host_pid)
    except OSError as error:
        os.write(2, "lambda-emulator: no namespaces: {}\n".format(error).encode())
        os._exit(1)
    os.write(tell, b"1")
    os.close(ready)
    os.close(tell)
    return view


def wait_alone(pid):
    """Wait for a child, holding no descriptor, and return its exit status."""
    # Only the zygote may hold the socket, or it would never see the emulator go.
    os.closerange(3, 1024)
    _, status = os.waitpid(pid, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1


def wait_and_clean(pid, run_folder):
    """Wait for the zygote; when the emulator is gone too, remove the folder it used."""
    emulator = os.getppid()
    code = wait_alone(pid)
    if code == EMULATOR_GONE or os.getppid() != emulator:
        shutil.rmtree(run_folder, ignore_errors=True)
    os._exit(code)
