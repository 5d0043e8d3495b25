"""From a source to a store: made once, whole or not at all, and found again."""

import hashlib
import logging
import os
import secrets
import shutil
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...storage.files import as_json, write_json
from ...storage.tempfiles import LOCK, hold, sweep, with_lock
from ...wording import counted, one_of, some, written
from ..build import arranged, narrow
from ..frequency import DAY, Frequency
from ..gaps import counted_gaps
from ..infer import agree, candidates, fits, irregular
from ..panel import Panel
from ..read import Table, Times
from ..reading import ReadOptions
from ..rows import LATE, Rows
from .columns import Writer
from .partition import Asked, Found, Partition, partitions
from .source import Source
from .store import FORMAT, META, Broken, Description, Store

LOG = logging.getLogger(__name__)
CACHE = "CARROUSEL_CACHE"  # the variable of the environment that names the folder
HOME, BUILDING, LAZY = "store", ".building-", "lazy-"
MOST_BROKEN = 1000  # series; beyond that something is wrong with the whole
ON_ERROR = ("stop", "skip")


def cache_folder() -> Path:
    """Where stores are kept: ``$CARROUSEL_CACHE``, or ``carrousel`` among the user's caches."""
    given = os.environ.get(CACHE)
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "carrousel"


def open_store(
    data: Any,
    *,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str = "y",
    freq: str | int | Frequency | None = None,
    expected: Frequency | None = None,
    reading: ReadOptions | None = None,
    on_error: str = "stop",
    cache: str | Path | None = None,
) -> Store:
    """The store of a directory of Parquet files, a glob or a lazy frame: found, or made now.

    Args:
        data: What holds the series; rows may come in any order and any file.
        id_col, time_col, target_col, freq, reading: As for ``carrousel.data.to_panel``.
        expected: The frequency that is taken if ``freq`` is None; a store that found it by itself
            is taken, too.
        on_error: "stop" at a file that cannot be read or a series that cannot be repaired, or
            "skip" it; the store names it in ``broken``.
        cache: Where stores are kept; None: ``cache_folder()``.

    Raises:
        ValueError: What ``to_panel`` raises; a file or series that is broken, by name.
        OSError: The store cannot be written; nothing of it is left.
    """
    one_of("on_error", on_error, ON_ERROR)
    source, given = Source.of(data), None if freq is None else Frequency.parse(freq)
    folder = Path(cache) if cache is not None else cache_folder() / "stores"
    store = None
    for wanted in dict.fromkeys([given, given or expected]):
        plain = wanted is not None and wanted.unit == "int"
        asked = Asked(id_col, time_col, target_col, reading or ReadOptions(), plain)
        place = folder / _key(source, asked, wanted, on_error)
        last = wanted == (given or expected)
        store = _opened(source, asked, wanted, on_error, place, make=last)
        if store is not None and (last or store.description.freq == expected):
            break
    assert store is not None
    for sentence in [*store.notes, *map(str, store.broken)]:
        LOG.info("%s", sentence)
    return store


def _opened(
    source: Source,
    asked: Asked,
    freq: Frequency | None,
    on_error: str,
    place: Path,
    *,
    make: bool,
) -> Store | None:
    """The store at ``place``; None where there is none and none is to be made."""
    if not make and not (place / HOME).exists():
        return None
    place.mkdir(parents=True, exist_ok=True)
    lock = _only_here(place) if source.fingerprint is None else None
    with with_lock(place):
        sweep(place, f"{BUILDING}*")  # of processes that were killed
        store = _found(place)
        if store is None:
            _make(source, asked, freq, on_error == "stop", place)
            store = Store(place / HOME, verify=False)  # it was written just now
    if lock is not None:  # as long as somebody uses the store
        store.lock = lock
        weakref.finalize(store, lock.close)
    return store


def _key(source: Source, asked: Asked, freq: Frequency | None, on_error: str) -> str:
    """What a store is found again by; that of a lazy frame never is."""
    if source.fingerprint is None:
        return f"{LAZY}{secrets.token_hex(8)}"
    told = [FORMAT, source.fingerprint, asdict(asked), freq and asdict(freq), on_error]
    return hashlib.sha256(as_json(told)).hexdigest()[:32]


def _only_here(place: Path) -> IO[bytes]:
    """Mark what nobody will find again as in use by this process; what others left so goes."""
    with with_lock(place.parent):
        lock = hold(place / LOCK)
        sweep(place.parent, f"{LAZY}*")
    return lock


def _found(place: Path) -> Store | None:
    """The store that is there; one that is damaged goes."""
    if not (place / HOME).exists():
        return None
    try:
        return Store(place / HOME)
    except ValueError as error:
        LOG.warning("made anew: %s", error)
        shutil.rmtree(place / HOME, ignore_errors=True)
        return None


def _make(source: Source, asked: Asked, freq: Frequency | None, stop: bool, place: Path) -> None:
    with made_beside(place / HOME) as work:
        parts, found, broken = partitions(source, asked, work, stop)
        if not parts:
            raise ValueError(f"{source.name}: no series is left; {some([str(b) for b in broken])}")
        assert found.dated is not None
        maker = _Maker(source, asked, found, broken, stop, work / HOME)
        maker.make(parts, freq)


@contextmanager
def made_beside(home: Path) -> Iterator[Path]:
    """A folder beside ``home`` to work in: what is of that name in it becomes ``home`` in one step,
    the rest goes; all of it where something fails."""
    work = home.parent / f"{BUILDING}{secrets.token_hex(8)}"
    work.mkdir()
    lock = hold(work / LOCK)
    try:
        yield work
        os.replace(work / home.name, home)
    finally:
        lock.close()
        shutil.rmtree(work, ignore_errors=True)


@dataclass
class _Survey:
    """What all partitions have in common of their times."""

    sizes: NDArray[np.int64]  # distinct steps between rows of one series, increasing
    counts: NDArray[np.int64]  # of each
    days: NDArray  # that occur
    after: int = 0  # rows after the last value of all series
    times_after: int = 0  # of these, distinct times (up to a few)
    only_after: bool = False  # whether a series has no other rows


class _Maker:
    """Makes the files of a store from sorted partitions."""

    def __init__(
        self,
        source: Source,
        asked: Asked,
        found: Found,
        broken: list[Broken],
        stop: bool,
        folder: Path,
    ) -> None:
        self.source, self.asked, self.found, self.stop = source, asked, found, stop
        self.broken, self.folder, self.rows = list(broken), folder, 0
        self.cut: int | None = None  # rows after this time are the future

    def make(self, parts: Sequence[Partition], freq: Frequency | None) -> None:
        survey = self._survey(parts)
        late = survey.times_after > LATE and not survey.only_after
        self.cut = self.found.last if late else None
        given = freq is not None
        chosen = self._frequency(parts, survey, freq)
        self._refuse_clocks(chosen)
        self.folder.mkdir()
        series, ends = 0, []
        with SeriesWriter(self.folder, self.found.text) as columns:
            for part in parts:
                names, rows = part.names(), self._rows(part)
                for panel in self._panels(rows, names, chosen, given):
                    columns.add(panel)
                    series += panel.n_series
                    ends.append((panel.start.min(), panel.ends.max(), *_extent(panel.lengths)))
        if not series:
            raise ValueError(f"{self.source.name}: no series is left; {self.broken[0]}")
        self._describe(columns, series, chosen, ends, survey.after if late else 0)

    def _rows(self, part: Partition) -> Rows:
        rows = part.rows(self.found.zone, bool(self.found.dated))
        if self.cut is None:
            return rows
        return rows[rows.time.astype(np.int64) <= self.cut]

    def _survey(self, parts: Sequence[Partition]) -> _Survey:
        sizes, counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
        days, late, survey = [], [], _Survey(sizes, counts, sizes)
        for part in parts:
            rows = part.rows(None, bool(self.found.dated))
            time = rows.time.astype(np.int64)
            later = time > (time.max() if self.found.last is None else self.found.last)
            survey.after += int(later.sum())
            late.append(np.unique(time[later])[: LATE + 1])
            first = rows.start
            survey.only_after |= bool(later[first].any())
            steps = np.diff(time)[rows.codes[1:] == rows.codes[:-1]]
            new, many = np.unique(steps[steps > 0], return_counts=True)
            sizes, place = np.unique(np.concatenate([sizes, new]), return_inverse=True)
            counts = np.bincount(place, np.concatenate([counts, many])).astype(np.int64)
            if self.found.dated:
                days.append(np.unique(rows.time.astype("M8[D]")))
        survey.times_after = len(np.unique(np.concatenate(late)))
        survey.sizes, survey.counts = sizes, counts
        survey.days = np.unique(np.concatenate(days)) if days else np.zeros(1, np.int64)
        return survey

    def _frequency(
        self, parts: Sequence[Partition], survey: _Survey, given: Frequency | None
    ) -> Frequency:
        """The first candidate that all times of all series fit; as in ``infer_frequency``."""
        time = survey.days.astype("M8[us]") if self.found.dated else survey.days
        if given is None and not len(survey.sizes):
            raise ValueError(
                "freq cannot be inferred from one observation per series: give freq, for example "
                "freq='1h'"
            )
        weekly = self.asked.reading.fill != "zero"
        if given is not None:
            return next((f for f in (given, given.turned()) if self._fits(f, parts, survey)), given)
        for freq in candidates(time, survey.sizes, survey.counts, weekly):
            if self._fits(freq, parts, survey):
                return freq
        raise irregular(time, survey.sizes, survey.counts)

    def _fits(self, freq: Frequency, parts: Sequence[Partition], survey: _Survey) -> bool:
        if (freq.unit == "int") == bool(self.found.dated):
            return False
        if freq.unit in ("us", "int"):  # of steps of one length the sizes tell
            return not (survey.sizes % freq.step).any()
        for rows in map(self._rows, parts):
            if not fits(freq, rows.time, rows.time[rows.start][rows.codes]):
                return False
        return True

    def _refuse_clocks(self, freq: Frequency) -> None:
        zone = self.found.zone
        if zone in (None, "UTC") or (freq.unit == "us" and freq.step < DAY):
            return
        raise ValueError(
            f"{self.asked.time_col}: days (or longer steps) of the zone {zone} in many files; "
            "write them as local dates without a zone"
        )

    def _panels(
        self, rows: Rows, names: list[Any], freq: Frequency, given: bool
    ) -> Iterator[Panel]:
        """The panel of a partition; where it cannot be made, its halves, until the series that
        are to blame stand alone."""
        if not len(rows.y):
            return
        try:
            panel = self._panel(rows, names, freq, given)
        except ValueError as error:
            if len(names) == 1:
                self._give_up(names[0], error)
                return
            half = len(names) // 2
            cut = int(np.searchsorted(rows.codes, half))
            yield from self._panels(rows[np.arange(cut)], names[:half], freq, given)
            later = rows[np.arange(cut, len(rows.y))]
            moved = replace(later, codes=later.codes - half)
            yield from self._panels(moved, names[half:], freq, given)
            return
        self.rows += len(rows.y)
        yield panel

    def _panel(self, rows: Rows, names: list[Any], freq: Frequency, given: bool) -> Panel:
        a = self.asked
        table = Table(pl.DataFrame(), self.source.name, a.reading)
        columns = (a.id_col, a.time_col, a.target_col)
        panel, _ = arranged(rows, names, Times(rows.time, rows.zone), table, columns, freq)
        if not given:
            agree(freq, rows.time, rows.time[rows.start][rows.codes], rows.codes, names)
        if panel.wall:
            raise ValueError(
                f"{a.time_col}: steps that follow clocks of {rows.zone} which are changed; write "
                "the times in UTC, or as local times without a zone"
            )
        return panel

    def _give_up(self, name: Any, error: ValueError) -> None:
        if self.stop:
            raise ValueError(f"series {name!r}: {error}") from error
        self.broken.append(Broken("series", str(name), str(error)))
        LOG.warning("left out: %s", self.broken[-1])
        if len(self.broken) > MOST_BROKEN:
            raise ValueError(
                f"more than {MOST_BROKEN:,} series cannot be read; the last: {self.broken[-1]}"
            ) from error

    def _describe(
        self, columns: "SeriesWriter", series: int, freq: Frequency, ends: list[Any], future: int
    ) -> None:
        a, found = self.asked, self.found
        gaps = columns.values - self.rows if a.reading.aggregate is None else 0
        first, last, least, most = zip(*ends, strict=True)
        notes = [
            *self._how_it_came(),
            *found.notes,
            *([f"{counted(future, 'row')} without {a.target_col!r} after all values left out: the "
               "future"] if future else []),
            *counted_gaps(gaps, zero=a.reading.fill == "zero"),
            f"{counted(series, 'series', 'series')} of {freq} observations from "
            f"{written(min(first))} to {written(max(last))}, {min(least):,} to {max(most):,} each",
        ]  # fmt: skip
        told = Description(
            FORMAT, self.source.name, series, columns.values, columns.dtype, found.text,
            bool(found.dated), freq, a.id_col, a.time_col, a.target_col, found.zone, tuple(notes),
            tuple(self.broken), columns.files,
        )  # fmt: skip
        write_json(self.folder / META, asdict(told))

    def _how_it_came(self) -> list[str]:
        found = self.found
        files = (
            "" if self.source.lazy is not None else f" in {counted(len(self.source.names), 'file')}"
        )
        notes = [f"{counted(found.rows, 'row')}{files} read"]
        if found.spread:
            notes.append(f"{counted(found.spread, 'series', 'series')} with rows in several files")
        if found.unsorted:
            many = counted(found.unsorted, "series", "series")
            notes.append(f"rows of {many} sorted by {self.asked.time_col}")
        return notes


class SeriesWriter:
    """The files of a store as they are written; ``files`` says of each what is checked."""

    files: dict[str, dict[str, Any]]

    def __init__(self, folder: Path, text: bool, dtype: str = "<f4") -> None:
        """``dtype``: of values that float32 holds; others are float64 in any case."""
        self.values, self.text, self.dtype = 0, text, dtype
        self._y = Writer(folder / "values.bin", dtype)
        self._offsets = Writer(folder / "offsets.bin", "<i8")
        self._start = Writer(folder / "start.bin", "<i8")
        self._ids = Writer(folder / "ids.bin", np.uint8 if text else "<i8")
        self._ends = Writer(folder / "id_ends.bin", "<i8") if text else None
        self._offsets.add(np.zeros(1))

    def add(self, panel: Panel) -> None:
        y = narrow(panel.y)
        if y.dtype == np.float64 and self.dtype == "<f4":
            self._y, self.dtype = self._y.widened("<f8"), "<f8"
        self._y.add(y)
        self._offsets.add(self.values + panel.offsets[1:])
        self._start.add(panel.start.astype(np.int64))
        self.values += len(y)
        if self._ends is None:
            self._ids.add(panel.ids)
            return
        names = [str(name).encode() for name in panel.ids]
        self._ends.add(self._ids.count + np.cumsum([len(name) for name in names]))
        self._ids.add(b"".join(names))

    def __enter__(self) -> "SeriesWriter":
        return self

    def __exit__(self, *error: object) -> None:
        writers = [self._y, self._offsets, self._start, self._ids, self._ends]
        self.files = {one.path.name: one.close() for one in writers if one is not None}


def _extent(lengths: NDArray) -> tuple[int, int]:
    return int(lengths.min()), int(lengths.max())
