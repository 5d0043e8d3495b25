"""Temporary files and folders, and what a killed process left of them.

A process that is killed cleans nothing up. It does lose its locks, however it ends: whatever is
still locked is in use, and the rest may go. ``with_lock`` guards the moments between making
something and locking it, so that nobody takes a file for a leftover that was made just now.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where age decides
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"  # inside a folder that is in use
OLD = 24 * 3600  # seconds after which something without a lock is nobody's


def hold(path: Path) -> IO[bytes]:
    """Open ``path`` and mark it as in use until it is closed or this process ends."""
    file = path.open("ab")
    if fcntl is not None:
        with suppress(OSError):  # file systems without locks: then age decides
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def is_abandoned(path: Path) -> bool:
    """Whether nobody uses the file, or the folder (by the lock inside), any more."""
    lock = path / LOCK if path.is_dir() else path
    try:
        old = time.time() - path.stat().st_mtime > OLD
        if fcntl is None or not lock.exists():
            return old
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:  # held, gone already, or not ours
        return False


@contextmanager
def with_lock(folder: Path) -> Iterator[None]:
    """One process at a time makes or removes temporary things in ``folder``."""
    if fcntl is None:
        yield
        return
    handle = None
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def sweep(folder: Path, pattern: str, rescue: Callable[[Path], None] | None = None) -> None:
    """Remove what dead processes left in ``folder`` under names like ``pattern``; ``rescue`` is
    called first with each leftover folder. To be called under ``with_lock``."""
    for path in folder.glob(pattern):
        if not is_abandoned(path):
            continue
        with suppress(OSError):
            if not path.is_dir():
                path.unlink()
                continue
            if rescue is not None:
                rescue(path)
            shutil.rmtree(path)
