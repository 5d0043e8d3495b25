"""``.ts`` files of the UCR/UEA archive (Bagnall et al.): one series a line, a colon between
channels and before the label."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .dataset import Dataset

OUTSIDE = re.compile(r":(?![^(]*\))")  # a colon that is in no parentheses: those of times are
PAIR = re.compile(r"\(([^(),]*),([^(),]*)\)")
_FLAGS = {"true": True, "false": False}


def read_ts(path: str | Path) -> Dataset:
    """The series of a file as arrays (time, channels), with class labels (text) or targets.

    "?" and "NaN" are missing. Where the channels of a series differ in length, the shorter ones are
    missing at the end, and a note says so. With timestamps, "(0,1.5),(1,1.7)", a step is a time
    that any channel has; the times sort the steps, and where these are not equally far apart a note
    says that no more is read of them.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not such a file; the line is named.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: it is not text in UTF-8") from None
    head: dict[str, list[str]] = {}
    first = len(lines)
    for k, line in enumerate(lines):
        text = line.strip()
        if not text or text.startswith(("#", "%")):
            continue
        if not text.startswith("@"):
            raise ValueError(f"{path}, line {k + 1}: must begin with # or @ above @data")
        name, *words = text[1:].split()
        if name.lower() == "data":
            first = k + 1
            break
        head[name.lower()] = words
    else:
        raise ValueError(f"{path}: there is no line @data")
    read = _by_time if _flag(head, "timestamps", path) else _side_by_side
    classes = head.get("classlabel", ["false"])
    labeled = _flag({"classlabel": classes[:1]}, "classlabel", path)
    targets = not labeled and _flag(head, "targetlabel", path)
    return _dataset(path, lines, first, labeled, targets, classes[1:], read)


# The channels of a series, (T, C), and what there is to be said of them.
Read = Callable[[list[str], str], tuple[np.ndarray, str]]


def _dataset(
    path: Path, lines: list[str], first: int, labeled: bool, targets: bool, classes: list[str],
    read: Read,
) -> Dataset:  # fmt: skip
    X: list[np.ndarray] = []
    labels: list[str] = []
    told: Counter[str] = Counter()
    for k in range(first, len(lines)):
        text = lines[k].strip()
        if not text or text.startswith("#"):
            continue
        where = f"{path}, line {k + 1}"
        parts = OUTSIDE.split(text)
        *channels, label = parts if labeled or targets else [*parts, ""]
        if not channels:
            raise ValueError(f"{where}: must have values and a label, with a colon between them")
        if labeled and classes and label.strip() not in classes:
            raise ValueError(f"{where}: the label {label!r} is not among those of @classLabel")
        if X and len(channels) != X[0].shape[1]:
            raise ValueError(f"{where}: must have {X[0].shape[1]} channels, got {len(channels)}")
        array, note = read(channels, where)
        told[note] += 1
        X.append(array)
        labels.append(label.strip())
    if not X:
        raise ValueError(f"{path}: there is no series below @data")
    notes = [f"{count:,} series with {note}" for note, count in told.items() if note]
    y: Any = np.array(labels) if labeled else None
    if targets:
        y = np.array([_values(label, f"{path}: @targetLabel")[0] for label in labels])
    names = [f"channel {c + 1}" for c in range(X[0].shape[1])]
    return Dataset(X, y, list(range(1, len(X) + 1)), names, notes)


def _side_by_side(channels: list[str], where: str) -> tuple[np.ndarray, str]:
    columns = [_values(cells, where) for cells in channels]
    longest = max(map(len, columns))
    array = np.full((longest, len(columns)), np.nan)
    for c, column in enumerate(columns):
        array[: len(column), c] = column
    uneven = any(len(column) < longest for column in columns)
    return array, "channels of unequal length: missing at the end" if uneven else ""


def _by_time(channels: list[str], where: str) -> tuple[np.ndarray, str]:
    stamped = [_stamped(cells, where) for cells in channels]
    if len({times.dtype.kind for times, _ in stamped}) > 1:
        raise ValueError(f"{where}: times must be numbers or dates, got both")
    steps = np.unique(np.concatenate([times for times, _ in stamped]))
    array = np.full((len(steps), len(channels)), np.nan)
    for c, (times, values) in enumerate(stamped):
        array[np.searchsorted(steps, times), c] = values
    apart = np.diff(steps).astype(float)
    even = len(apart) < 2 or np.ptp(apart) <= 1e-6 * apart.mean()
    return array, "" if even else "times that are not equally far apart: they sort the steps only"


def _stamped(cells: str, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Times, as numbers or dates, and values of a channel "(time,value),(time,value)"."""
    pairs = PAIR.findall(cells)
    if PAIR.sub("", cells).strip(" ,") or not pairs:
        raise ValueError(
            f"{where}: must be (time,value) pairs with commas between, got {cells:.40}"
        )
    words = [time.strip() for time, _ in pairs]
    try:
        times = np.array([float(word) for word in words])
    except ValueError:
        try:
            times = np.array([np.datetime64(word.replace(" ", "T"), "us") for word in words])
        except ValueError:
            raise ValueError(
                f"{where}: times must be numbers or dates like 2024-03-31 12:00:00, got "
                f"{words[0]!r} to {words[-1]!r}"
            ) from None
    if not np.isfinite(times).all():
        raise ValueError(f"{where}: a time is missing")
    if len(np.unique(times)) < len(times):
        raise ValueError(f"{where}: a channel has two values at one time")
    return times, _values(",".join(value for _, value in pairs), where)


def _values(cells: str, where: str) -> np.ndarray:
    words = [cell.strip() for cell in cells.split(",")]
    if words[-1] == "":
        words = words[:-1]
    try:
        values = np.array([np.nan if word == "?" else float(word) for word in words])
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if not len(values):
        raise ValueError(f"{where}: a channel is empty")
    if np.isinf(values).any():
        raise ValueError(f"{where}: a value is infinite")
    return values


def _flag(head: dict[str, list[str]], name: str, path: Path) -> bool:
    word = (head.get(name) or ["false"])[0].lower()
    if word not in _FLAGS:
        raise ValueError(f"{path}: @{name} must be true or false, got {word!r}")
    return _FLAGS[word]
