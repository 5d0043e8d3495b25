"""Where results go: a folder that appears whole or not at all, and places that can be written.

The files of a run are made in a folder of their own inside the target. When all are there, a mark
says so, and they are moved to their places while other runs wait. A run that is killed before the
mark leaves the old results; after it, the next run moves what was left.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..storage.tempfiles import LOCK, hold, sweep, with_lock

PREFIX, NEW, OLD, READY = ".carrousel-", "new", "old", "ready"


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target``; on success its files replace those of the same
    name in ``target``, on failure nothing is left. A ``target`` that cannot be written is refused
    before the work starts. What a killed run left in ``target`` goes. Of runs at the same time,
    the last one that ends is what remains, whole."""
    with writable_folder(target):
        try:
            work, lock = _work(target)
        except OSError as error:
            raise ValueError(f"--out: {target} is not writable: {error.strerror}") from None
        try:
            yield work / NEW
            _publish(work)
        except OSError as error:
            raise _renamed(error, work, target) from error
        finally:
            lock.close()
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def writable_folder(target: Path, option: str = "--out") -> Iterator[None]:
    """Make ``target`` and find out whether it can be written, before any work; what was made goes
    again if the work fails and wrote nothing.

    Raises:
        ValueError: It cannot be made or written; ``option`` is named.
    """
    new = [folder for folder in (target, *target.parents) if not folder.exists()]
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{option}: {target} cannot be made: {error.strerror}") from None
    try:
        try:
            with tempfile.TemporaryFile(dir=target):
                pass
        except OSError as error:
            raise ValueError(f"{option}: {target} is not writable: {error.strerror}") from None
        yield
    except BaseException:
        with suppress(OSError):  # not empty: something was written
            for folder in new:
                folder.rmdir()
        raise


def writable_file(path: Path, option: str = "--out") -> None:
    """Find out whether a file can be written at ``path``, before any work.

    Raises:
        ValueError: It is a folder, or the folder that it would be in cannot be made or written.
    """
    if path.is_dir():
        raise ValueError(f"{option}: {path} is a folder, not a file")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir():
        raise ValueError(f"{option}: {path} cannot be made: {folder} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"{option}: {path} is not writable: {folder} may not be written to")


def _work(target: Path) -> tuple[Path, IO[bytes]]:
    """A new folder that nobody takes for a leftover as long as this process holds its lock."""
    with with_lock(target):
        sweep(target, f"{PREFIX}*", _finish)
        work = Path(tempfile.mkdtemp(prefix=PREFIX, dir=target))
        try:
            (work / NEW).mkdir()
            (work / OLD).mkdir()
            return work, hold(work / LOCK)
        except OSError:
            shutil.rmtree(work)
            raise


def _publish(work: Path) -> None:
    """Move all files to their places, or leave the places as they were."""
    target = work.parent
    with with_lock(target):
        sweep(target, f"{PREFIX}*", _finish)  # of a run that was killed while this one worked
        files = _files(work)
        for file in files:
            _keep(target / file, work / OLD / file)
        (work / READY).touch()
        try:
            _finish(work)
        except BaseException:
            (work / READY).unlink()
            _undo(work, files)
            raise


def _finish(work: Path) -> None:
    """Move what is ready and not yet in its place."""
    from ..storage.model_directory import DESCRIPTION, remove_orphans

    if not (work / READY).exists():
        return
    target = work.parent
    folders = [path.relative_to(work / NEW) for path in (work / NEW).glob("**/")]
    for folder in folders:
        (target / folder).mkdir(exist_ok=True)
        with with_lock(target / folder):  # an update of a model in it ends first
            for file in _files(work):
                if file.parent == folder:
                    os.replace(work / NEW / file, target / file)
            if (target / folder / DESCRIPTION).exists():
                remove_orphans(target / folder)


def _files(work: Path) -> list[Path]:
    """The files that are not in their places, in the order in which they go there: a model's
    description after the weights that it names."""
    from ..storage.model_directory import DESCRIPTION

    found = [path.relative_to(work / NEW) for path in (work / NEW).rglob("*") if path.is_file()]
    return sorted(found, key=lambda file: (file.name == DESCRIPTION, file))


def _keep(place: Path, aside: Path) -> None:
    """What stands in a place now, once more."""
    if place.is_file():
        aside.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(place, aside)
        except OSError:  # a file system without hard links
            shutil.copy2(place, aside)


def _undo(work: Path, files: list[Path]) -> None:
    """Put back what was there before."""
    for file in reversed(files):
        place, aside = work.parent / file, work / OLD / file
        if aside.exists():
            os.replace(aside, place)
        elif not (work / NEW / file).exists():  # it was moved to where nothing was
            place.unlink(missing_ok=True)
    for folder in sorted({file.parent for file in files} - {Path()}, reverse=True):
        with suppress(OSError):  # it was there, with other files
            (work.parent / folder).rmdir()


def _renamed(error: OSError, work: Path, target: Path) -> OSError:
    """The same error, of the place that the user knows."""
    inside = str(error.filename or "").startswith(str(work)) or str(work) in str(error)
    if not inside and error.filename is not None:
        return error
    if error.strerror:
        return OSError(f"--out: cannot write to {target}: {error.strerror}")
    return OSError(str(error).replace(str(work / NEW), str(target)))
