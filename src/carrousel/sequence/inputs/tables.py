"""Long tables (a row for each step) and tables of texts (a row for each), from any data frame,
CSV, Parquet or workbook, through the reader of all tables."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...data import ReadOptions
from ...data.numbers import is_text, looks_numeric
from ...data.read import Table, open_table, require_columns
from ...wording import legible, some
from ..labels import as_array
from .dataset import Dataset


def read_table(
    source: Any,
    *,
    id_col: str = "id",
    time_col: str | None = None,
    label_col: str | None = "label",
    channels: Sequence[str] = (),
    per_step: bool = False,
    options: ReadOptions | None = None,
) -> Dataset:
    """A long table: a row is a step of the sequence that ``id_col`` names.

    Args:
        source: A pandas, polars or pyarrow frame, or the path of a file.
        time_col: Sorts the steps of each sequence; None: a column that counts them does, if there
            is one (a note says so), else they stand in their order.
        label_col: The same in all rows of a sequence, or, with ``per_step``, one for each. A
            column that is not there is no error where it is None.
        channels: Columns of numbers; all others that hold numbers, if none are named.
        options: How the table is written.

    >>> import polars as pl
    >>> rows = {"id": ["a", "a", "b"], "x": [1.0, 2.0, 3.0], "label": ["u", "u", "v"]}
    >>> table = pl.DataFrame(rows)
    >>> found = read_table(table)
    >>> [x[:, 0].tolist() for x in found.X], found.y.tolist(), found.ids
    ([[1.0, 2.0], [3.0]], ['u', 'v'], ['a', 'b'])
    """
    columns = {"id_col": id_col, "time_col": time_col, "label_col": label_col}
    needed = {name: column for name, column in columns.items() if column is not None}
    table = _open(source, [*needed.values()], channels, options)
    require_columns(table, {**needed, **{f"channels[{k}]": c for k, c in enumerate(channels)}})
    frame = table.frame
    if frame.is_empty():
        raise ValueError(f"{table.name} has no rows")
    names = list(channels) or _numeric(frame, set(needed.values()))
    if not names:
        raise ValueError(
            f"{table.name} has no column of numbers beside {', '.join(needed.values())}"
        )
    values = np.stack([table.numbers(name, names) for name in names], 1)  # (N, C)
    ids = table.ids(id_col)
    assert ids is not None
    numbers, firsts = _numbered(ids)
    notes = list(table.notes)
    counter = None if time_col or channels else _counter(values, numbers)
    if counter is not None:
        by_time = values[:, counter]
        values, name = np.delete(values, counter, 1), names.pop(counter)
        notes.append(f"{name} counts the steps: it sorts them and is no channel")
    else:
        by_time = np.arange(len(frame)) if time_col is None else table.times(time_col).time
    order = np.lexsort((by_time, numbers))
    cuts = np.flatnonzero(np.diff(numbers[order])) + 1
    rows = np.split(order, cuts)
    y = None if label_col is None else _labels(table, label_col, rows, ids[firsts], per_step)
    if not channels:
        notes.append(f"channels: {some(names, 12)}")
    return Dataset([values[part] for part in rows], y, ids[firsts].to_list(), names, notes)


def read_texts(
    source: Any,
    *,
    text_col: str = "text",
    label_col: str | None = "label",
    id_col: str = "id",
    options: ReadOptions | None = None,
) -> Dataset:
    """A table with a text and its label in each row.

    What ``id_col`` holds names the texts; without a column "id" the numbers of their rows do.

    A file of these two columns alone needs no line with their names: which is which is told by what
    they hold, and a note says so.
    """
    columns = [column for column in (text_col, label_col) if column is not None]
    options, table = options or ReadOptions(), None
    if isinstance(source, (str, Path)) and not options.header:
        table = _with_header(source, options)
        named = options.header is None and {*columns} <= {*table.frame.columns}
        table = table if named else _bare(table, text_col, label_col or "label")
    return texts_in(table or _open(source, columns, (), options), text_col, label_col, id_col)


def texts_in(table: Table, text_col: str, label_col: str | None, id_col: str = "id") -> Dataset:
    """The texts and labels of a table that is read already."""
    named = id_col != "id"  # a name that somebody wrote down is meant
    columns = {"text_col": text_col, "label_col": label_col, "id_col": id_col if named else None}
    require_columns(table, {name: column for name, column in columns.items() if column is not None})
    texts = table.frame[text_col].cast(pl.String)
    for k, text in enumerate(texts.to_list()):
        if text is None or not text.strip():
            raise ValueError(f"{text_col}: row {k + 1} holds no text")
    y = None if label_col is None else as_array(_column(table, label_col).to_list())
    names = table.ids(id_col)
    ids = list(range(1, len(texts) + 1)) if names is None else names.to_list()
    return Dataset(texts.to_list(), y, ids, (), list(table.notes))


def bare_texts(
    source: Any, text_col: str, label_col: str, options: ReadOptions | None = None
) -> Table | None:
    """The table in a file that has a text and a label in each line, and no line with the names of
    these columns; None: it is none of that kind.

    Labels are those of which there are fewer: half as many as texts at most, and that of the first
    line comes again.
    """
    options = options or ReadOptions()
    if not isinstance(source, (str, Path)) or options.header:
        return None
    return _bare(_with_header(source, options), text_col, label_col)


def _with_header(source: str | Path, options: ReadOptions) -> Table:
    """A file, its first line taken for the names of its columns."""
    return open_table(source, ["", ""], (), replace(options, header=True))


def _bare(table: Table, text_col: str, label_col: str) -> Table | None:
    """The table of which the first line was taken for names, if it held a text and its label."""
    frame = table.frame
    if frame.width != 2 or {text_col, label_col} & set(frame.columns):
        return None
    if not all(is_text(column) for column in frame):
        return None
    first = pl.DataFrame([frame.columns], orient="row", schema=frame.schema)
    whole = pl.concat([first, frame])
    label, text = sorted(whole.columns, key=lambda name: whole[name].n_unique())
    kinds = whole[label].n_unique()
    few = 2 * kinds <= len(whole) and 2 * kinds <= whole[text].n_unique()
    if not few or label not in frame[label] or looks_numeric(whole[text]):
        return None
    known = {label: label_col, text: text_col}
    places = [f"column {k} read as {known[name]!r}" for k, name in enumerate(whole.columns, 1)]
    return replace(
        table, frame=whole.rename(known), notes=[*table.notes, f"no header: {', '.join(places)}"]
    )


def read_folder(folder: str | Path, suffix: str = ".txt") -> Dataset:
    """A folder of folders: the name of each is the label of the texts in it."""
    folder = Path(folder)
    files = sorted(folder.glob(f"*/*{suffix}"))
    if not files:
        raise ValueError(f"{folder}: must hold folders with files *{suffix} in them, got none")
    texts = []
    for file in files:
        try:
            texts.append(file.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise ValueError(f"{file}: it is not text in UTF-8") from None
        if not texts[-1].strip():
            raise ValueError(f"{file}: it holds no text")
    y = np.array([file.parent.name for file in files])
    return Dataset(texts, y, [legible(str(file.relative_to(folder))) for file in files])


def _open(
    source: Any, names: Sequence[str], more: Sequence[str], options: ReadOptions | None
) -> Table:
    """All columns of a table: which of them are numbers is found out."""
    if isinstance(source, (str, Path)):
        first, *rest = names
        return open_table(source, [first, *(rest or [first])], more, options)
    return open_table(source, [names[0], names[-1]], ["\0 every column"], options)


def _numeric(frame: pl.DataFrame, others: set[str]) -> list[str]:
    """Columns of numbers, in whatever way they are written."""
    found = []
    for name in frame.columns:
        column = frame[name]
        text = is_text(column) and looks_numeric(column.cast(pl.String).head(200))
        if name not in others and (column.dtype.is_numeric() or text):
            found.append(name)
    return found


def _counter(values: np.ndarray, numbers: np.ndarray) -> int | None:
    """The first channel of several that counts the steps of every sequence from 0 or 1."""
    lengths = np.bincount(numbers)
    if values.shape[1] < 2 or lengths.max() < 2:
        return None
    firsts = np.cumsum(lengths) - lengths
    counted = np.arange(len(numbers)) - firsts.repeat(lengths)
    for k in range(values.shape[1]):
        found = values[np.lexsort((values[:, k], numbers)), k]
        if np.array_equal(found, counted) or np.array_equal(found, counted + 1):
            return k
    return None


def _numbered(ids: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """(N,) the number of each row's sequence by first appearance, and the row of that."""
    _, first, inverse = np.unique(
        ids.rank("dense").to_numpy(), return_index=True, return_inverse=True
    )
    rank = np.empty(len(first), int)
    rank[first.argsort()] = np.arange(len(first))
    return rank[inverse], np.sort(first)


def _labels(
    table: Table, label_col: str, rows: list[np.ndarray], ids: pl.Series, per_step: bool
) -> Any:
    labels = _column(table, label_col).to_list()
    if per_step:
        return [as_array([labels[row] for row in part]) for part in rows]
    for name, part in zip(ids.to_list(), rows, strict=True):
        kinds = {repr(labels[row]): None for row in part}
        if len(kinds) > 1:
            raise ValueError(
                f"{label_col} must be the same in all rows of a sequence, got "
                f"{' and '.join(list(kinds)[:2])} in {name!r}; labels of steps are for a tagger"
            )
    return as_array([labels[part[0]] for part in rows])


def _column(table: Table, name: str) -> pl.Series:
    column = table.frame[name]
    if column.dtype == pl.String:
        column = column.str.strip_chars()
        column = column.set(column == "", None)
    if column.null_count():
        raise ValueError(f"{name}: row {int(column.is_null().arg_max() or 0) + 1} has no label")
    return column
