"""Temporary files and folders, and what a killed process left of them.

A process that is killed cleans nothing up. It does lose its locks, however it ends: whatever is
still locked is in use, and the rest may go. ``with_lock`` guards the moments between making
something and locking it, so that nobody takes a file for a leftover that was made just now, and
whatever must not be mixed: a model of several files, or one that is read, changed and written.
"""

import os
import shutil
import threading
import time
import warnings
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
TOLD_AFTER = 2.0  # seconds of waiting for a lock


def hold(path: Path) -> IO[bytes]:
    """Open ``path`` and mark it as in use until it is closed or this process ends."""
    file = path.open("ab")
    if fcntl is not None:
        with suppress(OSError):  # file systems without locks: then age decides
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def is_abandoned(path: Path, guarded: bool = False) -> bool:
    """Whether nobody uses the file, or the folder (by the lock inside), any more; ``guarded``:
    what is in use has its lock by now."""
    lock = path / LOCK if path.is_dir() else path
    try:
        old = time.time() - path.stat().st_mtime > OLD
        if fcntl is None or not lock.exists():
            return guarded or old
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:  # held, gone already, or not ours
        return False


class _Held(threading.local):
    """The folders that this thread has locked: (process, device, inode)."""

    def __init__(self) -> None:
        self.keys: set[tuple[int, int, int]] = set()


_HELD = _Held()


@contextmanager
def with_lock(folder: Path, wait: bool = True) -> Iterator[None]:
    """One thread of one process at a time writes to ``folder``; it may enter again.

    The lock ends with the process, however that ends. It is one among those who ask for it: it
    keeps nobody from reading. Without ``wait`` a folder that is in use is refused. On file
    systems without locks, and on Windows, nobody is kept waiting.

    Raises:
        BlockingIOError: Another process writes there, and ``wait`` is false.
    """
    handle, key = _locked(folder, wait)
    if key is None:  # this thread has it already, or there are no locks
        yield
        return
    _HELD.keys.add(key)
    try:
        yield
    finally:
        _HELD.keys.discard(key)
        fcntl.flock(handle, fcntl.LOCK_UN)  # a forked child may hold a copy of the handle
        os.close(handle)


def _locked(folder: Path, wait: bool) -> tuple[int, tuple[int, int, int] | None]:
    """(handle, key) of the folder at that path, locked; the key is None if there is no need."""
    while fcntl is not None:
        try:
            handle = os.open(folder, os.O_RDONLY)
        except OSError:
            break
        key = _key(handle)
        try:
            if key in _HELD.keys or not _lock(handle, folder, wait):
                os.close(handle)
                break
            if key[1:] == _key(folder)[1:]:
                return handle, key
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # another folder was put in its place while this one was waited for
    return -1, None


def _lock(handle: int, folder: Path, wait: bool) -> bool:
    """Lock an open folder; whether its file system knows locks."""
    told = time.monotonic() + TOLD_AFTER
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError as error:
            if not wait:
                message = f"{folder} is being written by another process"
                raise BlockingIOError(error.errno, message) from None
        except OSError:
            return False
        if time.monotonic() > told:
            told = float("inf")
            waiting = f"{folder} is being written by another process: waiting for it to finish"
            warnings.warn(waiting, RuntimeWarning, stacklevel=5)
        time.sleep(0.01)


def _key(folder: Path | int) -> tuple[int, int, int]:
    found = os.stat(folder)
    return os.getpid(), found.st_dev, found.st_ino


def sweep(folder: Path, pattern: str, rescue: Callable[[Path], None] | None = None) -> None:
    """Remove what dead processes left in ``folder`` under names like ``pattern``; ``rescue`` is
    called first with each leftover folder. To be called under ``with_lock``."""
    guarded = fcntl is not None and _key(folder) in _HELD.keys
    for path in folder.glob(pattern):
        if not is_abandoned(path, guarded):
            continue
        with suppress(OSError):
            if not path.is_dir():
                path.unlink()
                continue
            if rescue is not None:
                rescue(path)
            shutil.rmtree(path)
