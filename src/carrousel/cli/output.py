"""A folder of results that appears whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target``; on success its contents replace those of the same
    name in ``target``, on failure nothing is left. A ``target`` that cannot be written is refused
    before the work starts."""
    made = _make(target)
    try:
        work = Path(tempfile.mkdtemp(prefix=".carrousel-", dir=target))
    except OSError as error:
        _remove(made)
        raise ValueError(f"--out: {target} is not writable: {error.strerror}") from None
    try:
        yield work
        for item in sorted(work.iterdir()):
            _replace(item, target / item.name)
    except BaseException:
        shutil.rmtree(work)
        _remove(made)
        raise
    work.rmdir()


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


def _replace(item: Path, old: Path) -> None:
    """Move a file or folder into place; an old folder makes way in one step."""
    if old.is_dir():
        aside = item.with_name(item.name + ".old")
        os.replace(old, aside)
        os.replace(item, old)
        shutil.rmtree(aside)
    else:
        os.replace(item, old)
