"""``.ts`` files of the UCR/UEA archive (Bagnall et al.): one series a line, a colon between
channels and before the label."""

from pathlib import Path
from typing import Any

import numpy as np

from .dataset import Dataset

_FLAGS = {"true": True, "false": False}


def read_ts(path: str | Path) -> Dataset:
    """The series of a file as arrays (time, channels), with class labels (text) or targets.

    "?" and "NaN" are missing. Where the channels of a series differ in length, the shorter ones are
    missing at the end, and a note says so.

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
    if _flag(head, "timestamps", path):
        raise ValueError(
            f"{path}: @timeStamps true is not read; give a table with a column of times"
        )
    classes = head.get("classlabel", ["false"])
    labeled = _flag({"classlabel": classes[:1]}, "classlabel", path)
    targets = not labeled and _flag(head, "targetlabel", path)
    return _dataset(path, lines, first, labeled, targets, classes[1:])


def _dataset(
    path: Path, lines: list[str], first: int, labeled: bool, targets: bool, classes: list[str]
) -> Dataset:
    X: list[np.ndarray] = []
    labels: list[str] = []
    uneven = 0
    for k in range(first, len(lines)):
        text = lines[k].strip()
        if not text or text.startswith("#"):
            continue
        where = f"{path}, line {k + 1}"
        *channels, label = text.split(":") if labeled or targets else [*text.split(":"), ""]
        if not channels:
            raise ValueError(f"{where}: must have values and a label, with a colon between them")
        if labeled and classes and label.strip() not in classes:
            raise ValueError(f"{where}: the label {label!r} is not among those of @classLabel")
        columns = [_values(cells, where) for cells in channels]
        if X and len(columns) != X[0].shape[1]:
            raise ValueError(f"{where}: must have {X[0].shape[1]} channels, got {len(columns)}")
        longest = max(map(len, columns))
        uneven += any(len(column) < longest for column in columns)
        array = np.full((longest, len(columns)), np.nan)
        for c, column in enumerate(columns):
            array[: len(column), c] = column
        X.append(array)
        labels.append(label.strip())
    if not X:
        raise ValueError(f"{path}: there is no series below @data")
    notes = [f"{uneven:,} series with channels of unequal length: missing at the end"] * bool(
        uneven
    )
    y: Any = np.array(labels) if labeled else None
    if targets:
        y = np.array([_values(label, f"{path}: @targetLabel")[0] for label in labels])
    names = [f"channel {c + 1}" for c in range(X[0].shape[1])]
    return Dataset(X, y, list(range(1, len(X) + 1)), names, notes)


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
