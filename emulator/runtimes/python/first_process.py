"""The first process of an execution environment: a zygote's child becomes the runtime."""

import json
import os
import signal
import sys
import time
import traceback
import types

import bootstrap
import inherited
import isolation
import kernel
import privileges
import snapshot


def run(*descriptors, **how):
    """Call `become`; never return to what the parent of this child was doing."""
    code = 1
    try:
        become(*descriptors, **how)
        code = 0
    except SystemExit as stop:
        code = exit_status(stop)
    except BaseException as error:  # noqa: BLE001 - top of the new process
        os.write(2, traceback_text(error).encode("utf-8", "backslashreplace"))
    finally:
        os._exit(code)


def exit_status(stop):
    """Return the status a SystemExit asks for; write its text, where it has one, as Python does."""
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    os.write(2, "{}\n".format(stop.code).encode("utf-8", "backslashreplace"))
    return 1


def name_places(folder):
    """Have the runtime's code say that it stands where functions see it, as in AWS."""
    for module in (bootstrap, bootstrap.runtime_client, bootstrap.runtime_log):
        module.__file__ = os.path.join(folder, os.path.basename(module.__file__))
        classes = [value for value in vars(module).values() if isinstance(value, type)]
        for holder in (module, *classes):
            for value in list(vars(holder).values()):
                if isinstance(value, types.FunctionType) and value.__module__ == module.__name__:
                    value.__code__ = value.__code__.replace(co_filename=module.__file__)


def traceback_text(error):
    """Return the traceback from the function's own code on, as Python prints it."""
    own = {os.path.dirname(os.path.abspath(path)) for path in (__file__, bootstrap.__file__)}
    frames = error.__traceback__
    while frames is not None and os.path.dirname(frames.tb_frame.f_code.co_filename) in own:
        frames = frames.tb_next
    error.__traceback__ = frames or error.__traceback__  # all our own: our bug, shown whole
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def become(log_fd, exit_fd, spec_fd, extra_fds, *, is_program, view, host_pid):
    """Turn this fresh child into the runtime; returns when it ends, or raises SystemExit.

    is_program: execute the program the spec names, instead of going on as Python. extra_fds:
    inherited by that program; in Python, the one over which a snapshot is asked for environments
    or, when the spec says `waits`, where the rest of the spec is waited for. view: the zygote's
    `isolation.HostView`, None without namespaces.
    host_pid: tells the number of a process as the emulator counts.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    spec = read_spec(spec_fd)
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)
    os.write(exit_fd, "pid {}\n".format(host_pid()).encode())
    os.setsid()
    if view is not None:
        isolation.settle_in(view.proc_device)
    else:
        kernel.die_with_parent(signal.SIGKILL)
    os.chdir(spec["cwd"])
    # Not the zygote's, nor those of environments it has: they may be more than the limit.
    inherited.keep_only(0, 1, 2, exit_fd, *extra_fds)
    privileges.limit()
    if view is not None:
        is_snapshot = bool(extra_fds) and not (is_program or spec.get("waits"))
        privileges.drop(1, in_own_namespace=view.limits_processes, may_nest=is_snapshot)
    if is_program:
        execute(spec, exit_fd, extra_fds)
    os.close(exit_fd)
    if spec.get("waits"):
        spec, extra_fds = await_spec(extra_fds[0]), ()
        os.chdir(spec["cwd"])
    os.environ.clear()
    os.environ.update(spec["env"])
    time.tzset()
    sys.argv[:] = [""]
    sys.path[:0] = spec["search_path"]
    if extra_fds:
        bootstrap.main(snapshot.Snapshot(extra_fds[0], is_isolated=view is not None))
    else:
        bootstrap.main()


def read_spec(fd):
    """Return what to run; it never was in the memory of the zygote, which all children share."""
    with os.fdopen(fd, "rb") as file:
        file.seek(0)
        return json.load(file)


def await_spec(line_fd):
    """Return what to run, once somebody needs it; ends with the emulator."""
    with os.fdopen(line_fd, "rb") as line:
        text = line.readline()
    if not text:
        raise SystemExit(0)
    return json.loads(text)


def execute(spec, exit_fd, extra_fds):
    """Become another program; what prevents it is told on the exit pipe."""
    env = dict(spec["env"])
    for fd in extra_fds:
        os.set_inheritable(fd, True)
        env["LAMBDA_EMULATOR_STANDBY_FD"] = str(fd)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them, and a program inherits it
    program = spec["argv"][0]
    try:
        os.execve(program, spec["argv"], env)
    except OSError as error:
        text = "fork/exec {}: {}\n".format(program, os.strerror(error.errno).lower())
        os.write(exit_fd, ("refused " + text).encode())
        os._exit(127)
