"""The user nobody, who runs an emulator when root runs the tests."""

import os
import shutil
import subprocess
import sys

import pytest

NOBODY = 65534
AS_NOBODY = (
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=-all",
    "--bounding-set=-all",
    "env",  # setpriv itself still finds programs that nobody may not run
)

needs_nobody = pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can become nobody, with setpriv",
)


def works(*command: str, **variables: str) -> bool:
    done = subprocess.run(
        [*AS_NOBODY, *command], env=variables, capture_output=True, check=False, timeout=60
    )
    return done.returncode == 0
