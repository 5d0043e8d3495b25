"""A folder of results, a part for each block of series, that can be gone on with.

Each part is a Parquet file that is written under another name and then moved to its own, and a
record of it follows; what has no record is made again. When all blocks are there, the records
become ``manifest.json``. Parts, records and manifest depend on what is forecast and by which model
only, not on when, by how many processes or after how many interruptions: a run that was resumed
ends in the same files, byte for byte. Processes that share the work need nothing but ``write``.
"""

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ...data.store.columns import digest_of
from ...data.store.store import Broken
from ...storage.files import as_json, frame_bytes, write_bytes, write_json
from ...storage.plain import parsed, restored
from ...storage.tempfiles import with_lock

FORMAT = 1
MANIFEST = "manifest.json"
WORK = ".run"  # a folder inside, as long as the run is not complete
RUN = "run.json"
PART, ANY_PART = "part-{:06d}.parquet", "part-*.parquet"


@dataclass(frozen=True)
class Part:
    """What became of a block.

    Attributes:
        block: Its number.
        series, rows: How many were forecast, and rows of all its files.
        files: The digest of each, by its path below the folder.
        broken: What was left out.
    """

    block: int
    series: int
    rows: int
    files: dict[str, str]
    broken: tuple[Broken, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether nothing of the block is there."""
        return not self.files


@dataclass(frozen=True)
class _Manifest:
    format: int
    identity: dict[str, Any]
    blocks: int
    parts: tuple[Part, ...] = field(default=())


class Results:
    """The folder of one run.

    Args:
        folder: Where it is.
        identity: What decides the numbers (series, model, horizon, levels), as plain data: a run
            with another one does not go on here.
        blocks: How many there are.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = Results(folder, {"model": "a"}, blocks=1)
    ...     with results.begun():
    ...         _ = results.write(0, {"": pl.DataFrame({"y": [1.0]})}, series=1)
    ...         parts = results.finish()
    ...     sorted(path.name for path in Path(folder).iterdir()), parts[0].rows
    (['manifest.json', 'part-000000.parquet'], 1)
    """

    def __init__(self, folder: str | Path, identity: Mapping[str, Any], blocks: int) -> None:
        self.folder, self.identity, self.blocks = Path(folder), dict(identity), blocks

    @contextmanager
    def begun(self, resume: bool = False) -> Iterator[None]:
        """While the run goes on: nobody else begins one in this folder.

        Raises:
            ValueError: There are results already and ``resume`` is false, or those of another run.
            BlockingIOError: Another run is at work here.
        """
        work = self.folder / WORK
        work.mkdir(parents=True, exist_ok=True)
        try:
            with with_lock(work, wait=False):
                self._check(resume)
                (work / "parts").mkdir(exist_ok=True)
                write_json(work / RUN, self._told(()))
                yield
        finally:
            if not (work / RUN).exists():
                shutil.rmtree(work, ignore_errors=True)

    def todo(self) -> list[int]:
        """The blocks that are not there yet, or not whole."""
        return [i for i, part in enumerate(self._parts()) if not self._whole(part)]

    def write(
        self,
        block: int,
        tables: Mapping[str, pl.DataFrame],
        series: int,
        broken: Sequence[Broken] = (),
    ) -> Part:
        """Write the tables of a block, each into the folder below this one that is its key, and
        then that they are there. Any process may do this for any block."""
        files, rows = {}, 0
        for below, table in tables.items():
            name = (Path(below) / PART.format(block)).as_posix()
            content = frame_bytes(table, ".parquet")
            write_bytes(self.folder / name, content)
            files[name] = hashlib.sha256(content).hexdigest()
            rows += len(table)
        part = Part(block, series, rows, files, tuple(broken))
        write_json(self._place(block), asdict(part))
        return part

    def finish(self) -> list[Part]:
        """Write the manifest, once all blocks are there; the parts, in order."""
        parts = [part for part in self._parts() if part is not None]
        if len(parts) < self.blocks:
            raise ValueError(f"{self.folder}: {self.blocks - len(parts)} blocks are not there yet")
        write_json(self.folder / MANIFEST, self._told(parts))
        shutil.rmtree(self.folder / WORK, ignore_errors=True)
        return parts

    def paths(self, below: str = "") -> list[Path]:
        """The files of one kind, block after block."""
        return sorted((self.folder / below).glob(ANY_PART))

    def _check(self, resume: bool) -> None:
        refuse_old(self.folder, resume)
        there = self._manifest() or _read(self.folder / WORK / RUN)
        if there is None and not _has_parts(self.folder):
            return
        if there is None or (there.identity, there.blocks) != (self._plain(), self.blocks):
            raise ValueError(
                f"out: {self.folder} holds results of other series, another model or other "
                "options; give another folder"
            )

    def _plain(self) -> Any:
        return parsed(as_json(self.identity))

    def _told(self, parts: Sequence[Part]) -> dict[str, Any]:
        return asdict(_Manifest(FORMAT, self.identity, self.blocks, tuple(parts)))

    def _manifest(self) -> _Manifest | None:
        return _read(self.folder / MANIFEST)

    def _parts(self) -> list[Part | None]:
        """What is known of each block: by its record, else from a run that came to its end."""
        there = self._manifest()
        done = {part.block: part for part in (there.parts if there else ())}
        return [self._record(i) or done.get(i) for i in range(self.blocks)]

    def _place(self, block: int) -> Path:
        return self.folder / WORK / "parts" / f"{block:06d}.json"

    def _record(self, block: int) -> Part | None:
        path = self._place(block)
        return restored(Part, parsed(path.read_bytes()), "part") if path.exists() else None

    def _whole(self, part: Part | None) -> bool:
        """Whether the files of a part are there as they were written."""
        if part is None or part.failed:
            return False
        paths = {self.folder / name: digest for name, digest in part.files.items()}
        return all(path.exists() and digest_of(path) == one for path, one in paths.items())


def refuse_old(folder: Path, resume: bool) -> None:
    """Before any work: ``resume`` must be asked for where there are results already.

    Raises:
        ValueError: It is not.
    """
    there = (folder / MANIFEST, folder / WORK / RUN)
    if not resume and (_has_parts(folder) or any(path.exists() for path in there)):
        raise ValueError(
            f"out: {folder} holds results of a run; go on with it by resume (--resume), or give "
            "another folder"
        )


def _has_parts(folder: Path) -> bool:
    return next(folder.rglob(ANY_PART), None) is not None


def _read(path: Path) -> _Manifest | None:
    """What is written there; of a folder of something else, or of a later version, an error."""
    if not path.exists():
        return None
    try:
        found = restored(_Manifest, parsed(path.read_bytes()), "it")
    except ValueError as error:
        raise ValueError(f"out: {path} is not a manifest of results: {error}") from None
    if found.format != FORMAT:
        raise ValueError(f"out: {path} is of format {found.format}, this version knows {FORMAT}")
    return found
