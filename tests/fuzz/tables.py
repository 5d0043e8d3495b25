"""Tables written in random ways: read back with the values and times that were written, or refused.

What is random: the order and form of the dates, the number of digits of a year, the separators of
numbers and of fields, the encoding, the ends of lines, lines above the header, the header itself,
the steps (days, hours, months, business days) and where they begin, gaps, the order of the rows and
the number of series. A refusal is right where a table may be read in two ways; other numbers or
times never are.
"""

import gzip
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np
import pandas as pd

from carrousel.data import to_panel

FREQS = ("D", "h", "MS", "B", "W-MON", "15min", "QS")
DATES = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%y", "%m/%d/%y", "%y-%m-%d", "%d/%m/%y",
    "%Y%m%d", "%d %b %Y", "%b %d, %Y", "%d-%b-%y", "%B %d %Y", "%Y/%m/%d", "%Y.%m.%d",
)  # fmt: skip
CLOCKS = (" %H:%M:%S", " %H:%M", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
NUMBERS = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", "'"), (",", "\u00a0"))
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")
MISSING = ("", "NA", "-", "n/a", "null")


@dataclass(frozen=True)
class Case:
    """One table as it is written, and what it says."""

    content: bytes
    expected: pd.DataFrame  # id, ds, y
    words: str


def _number(value: float, decimal: str, thousands: str, digits: int) -> str:
    text = f"{value:,.{digits}f}" if thousands else f"{value:.{digits}f}"
    marks = {",": thousands, ".": decimal}
    return "".join(marks.get(letter, letter) for letter in text)


def _frame(rng: random.Random) -> tuple[pd.DataFrame, str, int]:
    """A table of one to three series, its frequency, and the digits after the decimal mark."""
    freq, n, digits = rng.choice(FREQS), rng.randint(3, 90), rng.choice((0, 0, 1, 2, 3))
    day = pd.Timestamp("1972-01-01") + pd.Timedelta(days=rng.randrange(18_000))
    size = rng.choice((1, 100, 3000, 5_000_000))
    names = rng.choice((["y"], ["Å", "b"], ["a 1", "a 2", "ä"]))
    parts = []
    for name in names:
        stamps = pd.date_range(day, periods=n, freq=freq)
        values = [
            round(rng.uniform(0, 2) * size - rng.choice((0, 0, size)), digits) for _ in stamps
        ]
        values = [None if rng.random() < 0.03 else value + 0.0 for value in values]
        table = pd.DataFrame({"id": name, "ds": stamps, "y": values})
        gone = np.array([rng.random() < 0.03 for _ in stamps])
        gone[[0, -1]] = False
        table = table[~gone]
        if table["y"].notna().any():
            parts.append(table)
    frame = pd.concat(parts) if parts else pd.DataFrame({"id": "y", "ds": [day], "y": [1.0]})
    return frame.reset_index(drop=True), freq, digits


def draw(seed: int) -> Case:
    """A table by its number."""
    rng = random.Random(seed)
    frame, freq, digits = _frame(rng)
    form = rng.choice(DATES) if freq not in ("MS", "QS") or rng.random() < 0.7 else "%Y-%m"
    if freq in ("h", "15min"):
        form += rng.choice(CLOCKS)
    decimal, thousands = rng.choice(NUMBERS)
    separator = rng.choice(",;\t|") if "," not in (decimal, thousands) else rng.choice(",;;;\t")
    encoding = rng.choice(ENCODINGS)
    rows = []
    for one in frame.itertuples():
        missing = pd.isna(one.y)
        number = rng.choice(MISSING) if missing else _number(one.y, decimal, thousands, digits)
        date = one.ds.strftime(form)
        cells = [f'"{c}"' if separator in c or rng.random() < 0.02 else c for c in (date, number)]
        rows.append(separator.join([one.id, *cells]))
    if rng.random() < 0.3:
        rng.shuffle(rows)
    header = [separator.join(("id", "ds", "y"))] if rng.random() < 0.9 else []
    above = rng.choice(([], [], ["Sales report"], ["# made by hand", "", "2024"]))
    text = "\n".join([*above, *header, *rows, ""])
    if rng.random() < 0.3:
        text = text.replace("\n", "\r\n")
    content = text.encode(encoding)
    content = gzip.compress(content) if rng.random() < 0.1 else content
    words = f"{seed}: {form!r} {freq} {decimal!r} {thousands!r} {separator!r} {encoding}"
    return Case(content, frame, words)


def check(case: Case, path: Path) -> bool:
    """Whether the table was read; False where it was refused in one line."""
    path.write_bytes(case.content)
    try:
        panel, _ = to_panel(path, id_col="id")
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = None
    if refusal is not None:
        assert "\n" not in refusal, case.words
        return False
    parts = []
    for s, name in enumerate(panel.ids):
        y = panel.series(s)
        parts.append(pd.DataFrame({"id": name, "ds": panel.times(s), "y": y.astype(float)}))
    found = pd.concat(parts).dropna().set_index(["id", "ds"])["y"].sort_index()
    wanted = case.expected.dropna().set_index(["id", "ds"])["y"].sort_index()
    assert len(found) == len(wanted), case.words
    assert list(found.index) == list(wanted.index), case.words
    np.testing.assert_array_equal(found.to_numpy("f4"), wanted.to_numpy("f4"), case.words)
    return True


def run(seconds: float, seed: int = 0) -> str:
    """Tables until the time is over; what was found, in a sentence."""
    end, read, number = monotonic() + seconds, 0, seed * 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        while monotonic() < end:
            read += check(draw(number), Path(folder) / "table.csv")
            number += 1
    drawn = number - seed * 1_000_000
    return f"{drawn:,} tables: {read:,} read as they were written, {drawn - read:,} refused"
