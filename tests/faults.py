"""Files under bad conditions: killed at every call into the system, full disks, slow neighbors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork, signals and POSIX locks")

# What a process did before it was killed with no chance to clean up is done by a forked child that
# ends at its n-th call into the file system, for every n until it gets through.
KILLER = """
import os, signal, sys
{setup}
def work():
    {work}
def check(n, killed):
    {check}
CALLS = {{"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.listdir",
          "fcntl.flock", "os.scandir", "shutil.rmtree"}}
def arm(n):
    left = [n]
    def hook(event, _):
        if event in CALLS:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    real = os.fsync
    def fsync(handle):
        hook("open", ())
        real(handle)
    os.fsync = fsync
for n in range(500):
    child = os.fork()
    if not child:
        arm(n)
        work()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    check(n, status != 0)
    if status == 0:
        print("killed", n, "times")
        break
    assert os.WTERMSIG(status) == signal.SIGKILL, (n, status)
"""


def killed_everywhere(folder: Path, setup: str, work: str, check: str) -> int:
    """Run ``work`` and kill it at every call into the file system; after each, ``check``.

    Returns how often it was killed.
    """
    inner = {name: text.strip().replace("\n", "\n    ") for name, text in
             (("work", work), ("check", check))}  # fmt: skip
    script = KILLER.format(setup=setup, **inner)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-2])


def limited(size: int) -> None:
    """For ``preexec_fn``: no file of this process may grow beyond ``size`` bytes."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
