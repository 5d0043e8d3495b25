"""Many recordings with what is said in them: a folder for each label, or a table of paths."""

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..data import ReadOptions
from ..data.files import read_file
from ..data.read import Table, require_columns
from ..wording import counted, some
from .samples import require_rate, resampled
from .sound_files import SUFFIXES, read_sound


@dataclass(frozen=True)
class Recordings:
    """Sounds at one sampling rate, and what is known of each.

    Args:
        samples: Of each (n,) float32.
        rate: Samples a second of all of them.
        names: Where each came from.
        labels: What each is or says; None where nobody knows.
        speakers: Who speaks; None where nobody knows.

    Raises:
        ValueError: There are not as many names, labels or speakers as sounds, or no such rate.
    """

    samples: list[np.ndarray]
    rate: int
    names: list[str]
    labels: list[str] | None = None
    speakers: list[str] | None = None

    def __post_init__(self) -> None:
        require_rate("rate", self.rate)
        for name in ("names", "labels", "speakers"):
            given = getattr(self, name)
            if given is not None and len(given) != len(self.samples):
                count = f"{len(self.samples):,} samples"
                raise ValueError(f"{name} must be as many as the {count}, got {len(given):,}")

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.samples)

    def take(self, which: Sequence[int] | np.ndarray) -> "Recordings":
        """Some of them, by position.

        >>> two = Recordings([np.zeros(8), np.ones(8)], 8000, ["a", "b"], ["no", "yes"])
        >>> two.take([1]).labels
        ['yes']
        """
        places = [int(place) for place in which]

        def chosen(given):
            return None if given is None else [given[place] for place in places]

        return replace(
            self,
            samples=[self.samples[place] for place in places],
            names=[self.names[place] for place in places],
            labels=chosen(self.labels),
            speakers=chosen(self.speakers),
        )


def read_recordings(
    path: str | Path,
    rate: int | None = None,
    *,
    labeled: bool = True,
    speakers: bool = False,
    path_col: str = "path",
    label_col: str = "label",
    speaker_col: str = "speaker",
) -> Recordings:
    """Read sounds and their labels.

    Args:
        path: A folder with one folder for each label (``yes/001.wav``), or a table (CSV,
            Parquet, a workbook) with columns of paths, relative to the table, and labels.
            Without labels also a folder of files, or one file.
        rate: Samples a second; what differs is resampled, which is announced. None: that of the
            files; if theirs differ the lowest, so that no band holds sound in some of them only.
        labeled: Whether labels are wanted.
        speakers: Whether each label's folder has a folder for each speaker (``yes/ann/1.wav``). A
            table's column of speakers is read wherever it is there.
        path_col: The table's column of paths.
        label_col: That of labels.
        speaker_col: That of speakers.

    Warns:
        UserWarning: Recordings are resampled, silent or cut off.

    Raises:
        FileNotFoundError: ``path`` or a file in the table does not exist.
        ValueError: There is nothing to read, a label is missing, or files are damaged, empty or
            hold no finite numbers; the first of them are named.
        ImportError: soundfile (or, for another rate, scipy) is missing.
    """
    if rate is not None:
        require_rate("rate", rate)
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file or folder")
    if path.is_dir():
        files, labels, people = _in_folder(path, labeled, speakers)
    elif path.suffix.lower() in SUFFIXES:
        if labeled:
            raise ValueError(f"{path}: one recording has no label; give a folder or a table")
        files, labels, people = [path], None, None
    else:
        files, labels, people = _in_table(path, labeled, path_col, label_col, speaker_col)
    samples, rates = _read_all(files)
    samples, common = _at_one_rate(samples, rates, rate)
    return Recordings(samples, common, [str(file) for file in files], labels, people)


Listing = tuple[list[Path], list[str] | None, list[str] | None]


def _in_folder(folder: Path, labeled: bool, speakers: bool) -> Listing:
    """Files, labels and speakers, in the order of names, so that a seed means the same anywhere."""
    depth = 1 + labeled * (1 + speakers)
    found = sorted(_sounds(folder), key=lambda file: file.relative_to(folder).parts)
    parts = [file.relative_to(folder).parts for file in found]
    right = {1: "*.wav", 2: "label/*.wav", 3: "label/speaker/*.wav"}[depth]
    if not found:
        raise ValueError(f"{folder}: there are no recordings in it; it must hold {right}")
    wrong = [file for file, part in zip(found, parts, strict=True) if len(part) != depth]
    if wrong:
        more = "" if speakers or not labeled else "; folders in labels are speakers (speakers=True)"
        raise ValueError(
            f"{folder} must hold {right}, got {some([str(w.relative_to(folder)) for w in wrong])}"
            + (more if any(len(part) == depth + 1 for part in parts) else "")
        )
    if not labeled:
        return found, None, None
    return found, [part[0] for part in parts], [part[1] for part in parts] if speakers else None


def holds_sounds(path: Path) -> bool:
    """Whether it is a file of sound, or a folder in which there are some."""
    if path.is_dir():
        return next(_sounds(path), None) is not None
    return path.suffix.lower() in SUFFIXES


def _sounds(folder: Path) -> Iterator[Path]:
    """Files of sound in a folder and those below it; hidden ones are some system's own notes."""
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(where, name)


def _in_table(
    path: Path, labeled: bool, path_col: str, label_col: str, speaker_col: str
) -> Listing:
    needed = {"path_col": path_col, **({"label_col": label_col} if labeled else {})}
    wanted = list(needed.values())
    options = ReadOptions(header=True)
    table, _ = read_file(path, [speaker_col, *wanted], options, lambda cell: "text")
    named = {} if speaker_col == "speaker" else {"speaker_col": speaker_col}
    require_columns(Table(table, str(path), options), {**needed, **named})
    if not len(table):
        raise ValueError(f"{path}: the table has no rows")
    columns = {}
    for name in (*wanted, *({speaker_col} & set(table.columns))):
        values = [None if one is None else str(one).strip() for one in table[name].to_list()]
        bare = [k for k, value in enumerate(values) if not value]
        if bare:
            raise ValueError(f"{path}: column {name!r} is empty in row {bare[0] + 1:,}")
        columns[name] = [str(value) for value in values]
    files = [path.parent / one for one in columns[path_col]]
    gone = [str(file) for file in files if not file.is_file()]
    if gone:
        what = f"{len(gone):,} of {counted(len(files), 'file')}"
        raise FileNotFoundError(f"{path}: {what} in it do not exist: {some(gone)}")
    return files, columns.get(label_col) if labeled else None, columns.get(speaker_col)


def _read_all(files: list[Path]) -> tuple[list[np.ndarray], list[int]]:
    """Samples and rates; all damaged files are found before the first is complained of."""
    samples, rates, wrong = [], [], []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for file in files:
            try:
                one, rate = read_sound(file)
            except ValueError as error:
                wrong.append(str(error))
                continue
            samples.append(one)
            rates.append(rate)
    for text, count in Counter(_kind(str(one.message)) for one in told).items():
        first = next(str(one.message) for one in told if _kind(str(one.message)) == text)
        more = f" (and {counted(count - 1, 'other')} like it)" if count > 1 else ""
        warnings.warn(first + more, stacklevel=4)
    if wrong:
        what = f"{counted(len(wrong), 'recording')} of {len(files):,} cannot be used: "
        raise ValueError((what if len(files) > 1 else "") + some(wrong))
    return samples, rates


def _kind(message: str) -> str:
    """What is said of a file, without its name and numbers."""
    return message.rpartition(": ")[2].partition(",")[0]


def _at_one_rate(
    samples: list[np.ndarray], rates: list[int], wanted: int | None
) -> tuple[list[np.ndarray], int]:
    common = wanted or min(rates)
    counts = Counter(rate for rate in rates if rate != common)
    if counts:
        have = some([f"{counted(n, 'recording')} at {rate:,} Hz" for rate, n in counts.items()])
        poor = f"; above {min(counts) // 2:,} Hz they hold nothing" if min(counts) < common else ""
        warnings.warn(f"resampled to {common:,} Hz: {have}{poor}", stacklevel=4)
    return [resampled(one, r, common) for one, r in zip(samples, rates, strict=True)], common
