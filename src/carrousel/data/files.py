"""Files as tables of text (CSV, compressed or not, in any encoding) or of types (Parquet,
workbooks): where the header is, what separates the columns, what stands above."""

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from .encodings import encoding_of
from .reading import ReadOptions

_SEPARATORS = "\t;|,"  # a comma is often part of a number or a sentence: last
_LOOKED_AT = 200  # lines
_WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


def read_file(
    path: Path, names: Sequence[str], options: ReadOptions, alike: Callable[[str], str]
) -> tuple[pl.DataFrame, list[str]]:
    """The table in a file, and notes.

    Args:
        path: A CSV file with any of the separators comma, semicolon, tab and bar, compressed with
            gzip or not; a Parquet file; a workbook (needs the library fastexcel).
        names: Columns that are looked for, the first of which may be absent.
        options: What the user says.
        alike: Tells whether a cell is a "time", a "number", "nothing" or a "text".
    """
    if not path.is_file() and not path.is_fifo():  # a pipe: /dev/stdin, or a shell's <(command)
        told = "it is not a file" if path.exists() else "there is no such file"
        told += "; standard input is /dev/stdin" if str(path) == "-" else ""
        raise FileNotFoundError(f"{path}: {told}")
    suffix = path.suffix.lower()
    try:
        if suffix in (".parquet", ".pq"):
            return _parquet(path), []
        raw = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    if suffix in _WORKBOOKS or raw[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        table, notes = _workbook(path, raw, names, options)
    elif options.sheet is not None:
        raise ValueError(f"sheet: {path.name} is no workbook, it has no sheets")
    else:
        table, notes = _csv(path, raw, names, options, alike)
    return table.rename(_stripped(table.columns)).head(_filled(table)), notes


def _parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = str(error).splitlines()[0] if isinstance(error, Exception) else "it is damaged"
        raise ValueError(f"{path}: cannot be read as Parquet: {reason}") from None


def _csv(
    path: Path, raw: bytes, names: Sequence[str], options: ReadOptions, alike: Callable[[str], str]
) -> tuple[pl.DataFrame, list[str]]:
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error):
            raise ValueError(f"{path}: cannot be read: the gzip file is damaged") from None
    encoding, notes = encoding_of(path, raw, options.encoding)
    data = raw if encoding == "utf-8" else raw.decode(encoding).encode()
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data.strip():
        raise ValueError(f"{path}: the file is empty")
    lines = _lines(data)
    separator = _separator(lines, names)
    rows = [next(csv.reader([line], delimiter=separator), []) for line in lines]
    rows = [[cell.strip() for cell in row] for row in rows]
    top = _header_line(rows, names)
    bare = options.header is False or (options.header is None and _is_data(rows, top, names, alike))
    if not bare:
        _require_single(path, rows[top], names)
    if top:
        notes.append(f"{top} line{'s' if top > 1 else ''} above the table left out")
        data = data.split(b"\n", top)[top]
    try:
        table = pl.read_csv(
            data, separator=separator, infer_schema=False, encoding="utf8", has_header=not bare
        )
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{path}: cannot be read as CSV: {_reason(rows, top, error)}") from None
    if bare:
        known, note = _meant(table, names, alike, path)
        return table.rename(known), [*notes, note]
    return table, notes


def _require_single(path: Path, header: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a header in which a name that is looked for stands twice: which is meant?"""
    for name in names:
        if header.count(name) > 1:
            raise ValueError(
                f"{path}: {header.count(name)} columns are called {name!r}; rename all but one"
            )


def _reason(rows: list[list[str]], top: int, error: Exception) -> str:
    width = len(rows[top])
    for k, row in enumerate(rows[top + 1 :], top + 2):
        if len(row) > width:
            return (
                f"line {k} has {len(row)} fields, the header has {width}; a decimal comma must "
                "not be the separator of fields, too"
            )
    return str(error).splitlines()[0]


def _lines(data: bytes) -> list[str]:
    head = data[:1_000_000].split(b"\n")[: _LOOKED_AT + 1]
    if len(head) > 1:
        head = head[:-1] if len(head) > _LOOKED_AT or not head[-1].strip() else head
    return [line.decode(errors="replace") for line in head]


def _separator(lines: list[str], names: Sequence[str]) -> str:
    """The one that finds the names, or that cuts most lines into equally many fields."""
    cut = {}
    for separator in _SEPARATORS:
        rows = [next(csv.reader([line], delimiter=separator), []) for line in lines]
        cells = [{cell.strip() for cell in row} for row in rows]
        if any(set(names[1:]) <= row for row in cells) and len(set(names[1:])) > 1:
            return separator
        cut[separator] = _usual_width(rows)
    best = max(cut.values(), key=lambda one: (one[0] > 1, one[1]))
    if best[0] < 2:
        return ","
    return next(s for s, one in cut.items() if one[0] > 1 and one[1] >= 0.9 * best[1])


def _usual_width(rows: list[list[str]]) -> tuple[int, int]:
    """The commonest number of fields, and in how many lines."""
    widths = Counter(len(row) for row in rows if any(cell.strip() for cell in row))
    return max(widths.items(), key=lambda item: (item[1], item[0])) if widths else (0, 0)


def _header_line(rows: list[list[str]], names: Sequence[str]) -> int:
    """The number of lines above the header: titles, comments, blank lines."""
    for k, row in enumerate(rows):
        if set(names[1:]) <= set(row):
            return k
    width = _usual_width(rows)[0]
    start = 0
    for k, row in enumerate(rows):
        if len(row) >= width and all(row) and not row[0].startswith("#"):
            start = k
            break
    return start


def _is_data(
    rows: list[list[str]], top: int, names: Sequence[str], alike: Callable[[str], str]
) -> bool:
    """Whether the first line holds values already: a time and a number, like the line below."""
    if set(names[1:]) <= set(rows[top]):
        return False
    first = [alike(cell) for cell in rows[top]]
    below = [alike(cell) for cell in rows[top + 1]] if len(rows) > top + 1 else first
    same = all(a == b or "nothing" in (a, b) for a, b in zip(first, below, strict=False))
    return same and "time" in first and "number" in first


def _meant(
    table: pl.DataFrame, names: Sequence[str], alike: Callable[[str], str], path: Path
) -> tuple[dict[str, str], str]:
    """Which of the names that were looked for is that of each column of a table without a header,
    by what it holds, and a note."""
    kinds = {name: alike(next(iter(table[name].drop_nulls()), "")) for name in table.columns}
    times = [name for name, kind in kinds.items() if kind == "time"]
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    if not times and len(numbers) == 2:
        times, numbers = numbers[:1], numbers[1:]
    rest = [name for name in table.columns if name not in (*times[:1], *numbers[:1])]
    if len(times) != 1 or len(numbers) != 1 or len(rest) > 1:
        raise ValueError(
            f"{path}: there is no line with the names of the columns, and what they hold does "
            f"not tell which is {names[1]!r} and which {names[2]!r}; write the names above"
        )
    known = {times[0]: names[1], numbers[0]: names[2], **{name: names[0] for name in rest}}
    places = {known[name]: k + 1 for k, name in enumerate(table.columns)}
    told = ", ".join(f"column {k} read as {name!r}" for name, k in places.items())
    return known, f"no header: {told}"


def _stripped(names: list[str]) -> dict[str, str]:
    """Names without blanks around them, where these still differ."""
    stripped = [name.strip() for name in names]
    return dict(zip(names, stripped if len(set(stripped)) == len(names) else names, strict=True))


def _filled(table: pl.DataFrame) -> int:
    """How many rows there are up to the last of which not all cells are empty."""
    if not len(table) or any(cell is not None for cell in table.row(-1)):
        return len(table)
    there = table.select(pl.any_horizontal(pl.all().is_not_null()).alias("there"))["there"]
    last = there.arg_true().max()
    return 0 if last is None else int(last) + 1  # type: ignore[arg-type]


def _workbook(
    path: Path, raw: bytes, names: Sequence[str], options: ReadOptions
) -> tuple[pl.DataFrame, list[str]]:
    try:
        import fastexcel
    except ImportError:
        raise ImportError(
            f"{path.name}: workbooks need the library fastexcel: pip install carrousel[excel]"
        ) from None
    try:
        book = fastexcel.read_excel(raw)
        found = {name: _cells(book, name) for name in book.sheet_names}
    except fastexcel.FastExcelError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: cannot be read as a workbook: {reason}") from None
    sheet = _sheet(path, found, names, options.sheet)
    rows = found[sheet]
    top = _header_line(rows, names) if rows else 0
    if not rows:
        raise ValueError(f"{path}: sheet {sheet!r} is empty")
    _require_single(path, rows[top], names)
    loaded = book.load_sheet(sheet, header_row=top, schema_sample_rows=None)
    notes = [f"sheet {sheet!r} read"] if len(found) > 1 else []
    if top:
        notes.append(f"{top} line{'s' if top > 1 else ''} above the table left out")
    return loaded.to_polars(), notes


def _cells(book: Any, sheet: str) -> list[list[str]]:
    """The first rows of a sheet as text, blank rows above included."""
    loaded = book.load_sheet(
        sheet, header_row=None, skip_rows=0, n_rows=_LOOKED_AT, dtypes="string"
    )
    table = loaded.to_polars().fill_null("")
    return [[cell.strip() for cell in row] for row in table.rows()]


def _sheet(
    path: Path, found: dict[str, list], names: Sequence[str], wanted: str | int | None
) -> str:
    sheets = list(found)
    have = ", ".join(map(repr, sheets))
    if isinstance(wanted, str) and wanted.isdigit() and wanted not in sheets:
        wanted = int(wanted)
    if isinstance(wanted, int):
        if not 1 <= wanted <= len(sheets):
            raise ValueError(f"sheet must be 1 to {len(sheets)} or a name, got {wanted}")
        return sheets[wanted - 1]
    if wanted is not None:
        if wanted not in sheets:
            raise ValueError(f"sheet: there is no sheet {wanted!r}; the sheets are {have}")
        return wanted
    filled = [name for name, rows in found.items() if rows]
    right = [s for s in filled if any(set(names[1:]) <= set(row) for row in found[s])]
    if len(right) == 1 or (not right and len(filled) == 1):
        return (right or filled)[0]
    if not filled:
        raise ValueError(f"{path}: the file is empty")
    raise ValueError(f"{path}: which sheet is meant? Give sheet (--sheet): {have}")
