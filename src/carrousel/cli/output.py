"""A folder of results that appears whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..leftovers import LOCK, hold, sweep, with_lock

PREFIX, OLD = ".carrousel-", ".old"


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target``; on success its contents replace those of the same
    name in ``target``, on failure nothing is left. A ``target`` that cannot be written is refused
    before the work starts. What a killed run left in ``target`` goes."""
    made = _make(target)
    try:
        work, lock = _work(target)
    except OSError as error:
        _remove(made)
        raise ValueError(f"--out: {target} is not writable: {error.strerror}") from None
    try:
        yield work / "new"
        for item in sorted((work / "new").iterdir()):
            _replace(item, target / item.name, work)
    except BaseException:
        lock.close()
        _rescue(work)
        shutil.rmtree(work)
        _remove(made)
        raise
    lock.close()
    shutil.rmtree(work)


def _work(target: Path) -> tuple[Path, IO[bytes]]:
    """A new folder that nobody takes for a leftover as long as this process holds its lock."""
    with with_lock(target):
        sweep(target, f"{PREFIX}*", _rescue)
        work = Path(tempfile.mkdtemp(prefix=PREFIX, dir=target))
        try:
            (work / "new").mkdir()
            return work, hold(work / LOCK)
        except OSError:
            shutil.rmtree(work)
            raise


def _make(target: Path) -> list[Path]:
    """Make ``target`` and what leads to it; the folders that were new, innermost first."""
    new = [folder for folder in (target, *target.parents) if not folder.exists()]
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out: {target} cannot be made: {error.strerror}") from None
    return new


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        folder.rmdir()


def _replace(item: Path, old: Path, work: Path) -> None:
    """Move a file or folder into place; an old folder makes way first, and comes back if that
    is as far as it got."""
    if old.is_dir():
        os.replace(old, work / (item.name + OLD))
    os.replace(item, old)


def _rescue(work: Path) -> None:
    """Put folders back that made way for others, which never came."""
    for aside in work.glob(f"*{OLD}"):
        place = work.parent / aside.name.removesuffix(OLD)
        if not place.exists():
            os.replace(aside, place)
