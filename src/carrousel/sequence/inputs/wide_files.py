"""Files with a series in each line, its label before its numbers: the tables of the UCR archive."""

import math
import re
from pathlib import Path

import numpy as np

from ..labels import as_array
from .dataset import Dataset

FEWEST = 3  # numbers of a line, so that it is taken for a series
MISSING = {"", "?", "nan", "na", "null"}


def read_wide(path: str | Path) -> Dataset:
    """The series of a file (CSV, TSV, or with blanks between) as arrays (time, 1), with their
    labels as text: a line is a label and the numbers of one series.

    "NaN" and "?" are missing; at the end of a line they say that a series is shorter. A first line
    that names the columns (label, 0, 1, ...) is no series.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not such a file; the line is named.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    lines = _lines(path)
    if not lines:
        raise ValueError(f"{path}: it holds no series")
    notes = ["a series in each line: its label, then its numbers"]
    if _names_columns(lines[0][1]):
        notes.append("the first line names the columns")
        lines = lines[1:]
    series = [_series(fields[1:], f"{path}, line {k}") for k, fields in lines]
    labels = [fields[0] for _, fields in lines]
    for (k, _), label in zip(lines, labels, strict=True):
        if label.lower() in MISSING:
            raise ValueError(f"{path}, line {k}: it has no label in its first column")
    return Dataset(series, as_array(_as_written(labels)), [k for k, _ in lines], ("x",), notes)


def is_wide(path: Path) -> bool:
    """Whether the first lines of a file are series as ``read_wide`` reads them."""
    try:
        lines = _lines(path, most=3)
    except (OSError, ValueError):
        return False  # whoever opens it says why
    if lines and _names_columns(lines[0][1]):
        lines = lines[1:]
    return bool(lines) and all(
        len(fields) > FEWEST and all(_number(one) is not None for one in fields[1:])
        for _, fields in lines
    )


def _lines(path: Path, most: int | None = None) -> list[tuple[int, list[str]]]:
    """The fields of each line that is not empty, and its number from 1."""
    found: list[tuple[int, list[str]]] = []
    try:
        with path.open(encoding="utf-8-sig") as file:
            for k, line in enumerate(file, 1):
                if line.strip():
                    found.append((k, _fields(line.rstrip("\r\n"))))
                if len(found) == most:
                    break
    except UnicodeDecodeError:
        raise ValueError(f"{path}: it is not text in UTF-8") from None
    return found


def _fields(line: str) -> list[str]:
    separator = next((one for one in "\t;," if one in line), None)
    fields = line.split(separator) if separator else re.split(r"\s+", line.strip())
    return [field.strip().strip('"') for field in fields]


def _names_columns(fields: list[str]) -> bool:
    """Steps are counted: "label, t0, t1, ..."; other names are those of a table of steps."""
    first, *rest = fields
    counted = [re.search(r"\d+$", name) for name in rest]
    numbers = [int(found[0]) for found in counted if found]
    counts = len(numbers) == len(rest) and numbers in (
        [*range(len(rest))], [*range(1, len(rest) + 1)],
    )  # fmt: skip
    return counts and _number(first) is None


def _number(field: str) -> float | None:
    """None: it is none."""
    if field.lower() in MISSING:
        return math.nan
    try:
        return float(field)
    except ValueError:
        return None


def _series(fields: list[str], where: str) -> np.ndarray:
    numbers = [_number(one) for one in fields]
    if None in numbers:
        place = numbers.index(None)
        raise ValueError(f"{where}: {fields[place]!r} in column {place + 2} is no number")
    values = np.array(numbers, np.float64)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        raise ValueError(f"{where}: it holds no numbers behind its label")
    return values[: known[-1] + 1, None]


def _as_written(labels: list[str]) -> list[str]:
    """Whole numbers as such, however many zeros a program has put behind them."""
    numbers = [_number(label) for label in labels]
    if any(one is None or not math.isfinite(one) or one != int(one) for one in numbers):
        return labels
    return [str(int(one)) for one in numbers if one is not None]
