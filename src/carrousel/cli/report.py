"""What a command tells: what was read, the table of errors, the verdict, the files."""

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..data import Panel
from .scores import Score

LABELS = {"smape": "sMAPE", "mase": "MASE"}


def console(stderr: bool = False) -> Console:
    """Where commands write: plain lines; no name of a file or series is taken for markup."""
    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False)


def say_what_was_read(screen: Console, source: Path, panel: Panel, notes: list[str]) -> None:
    """One line on the panel, one for each thing that was done to it."""
    count = f"{panel.n_series:,} series" if panel.n_series > 1 else "one series"
    steps = panel.lengths
    extent = (
        f"{steps.min():,}" if steps.min() == steps.max() else f"{steps.min():,}-{steps.max():,}"
    )
    screen.print(
        f"{source.name}: {count} of {extent} steps, {panel.freq} (freq {panel.freq.alias})"
    )
    say(screen, notes)


def say(screen: Console, notes: list[str]) -> None:
    """Notes, each on a line of its own."""
    for note in notes:
        screen.print(f"  {note}")


def score_table(scores: list[Score], title: str) -> Table:
    """A row for each method, the best of each error in bold."""
    table = Table(title=title, title_justify="left", title_style="")
    table.add_column("method")
    for name in LABELS.values():
        table.add_column(name, justify="right")
    for level in scores[0].coverage:
        table.add_column(f"in {level} % interval", justify="right")
    means = [s.mean() for s in scores]
    for one, values in zip(scores, means, strict=True):
        cells = [_cell(values, means, key) for key in LABELS]
        shares = ["-" if v is None else f"{v:.0%}" for v in values["coverage"].values()]
        table.add_row(one.name, *cells, *shares)
    return table


def verdict(scores: list[Score]) -> str:
    """Who won, plainly: the first of ``scores`` is ours. MASE decides; sMAPE where there is none;
    where the two disagree, that is said too."""
    ours, others = scores[0].mean(), {s.name: s.mean() for s in scores[1:]}
    measures = [key for key in ("mase", "smape") if ours[key] is not None]
    if not measures:
        return "The held-out values are all missing: nothing can be said about accuracy."
    key = measures[0]
    best = min(others, key=lambda name: others[name][key])
    if others[best][key] <= ours[key]:
        return (
            f"The {best} method won here ({_against(others[best], ours, key)}): prefer it for "
            "these series, or give more history."
        )
    gain = 1 - ours[key] / others[best][key]
    if gain < 0.005:
        return (
            f"carrousel and the {best} method are equally good here "
            f"({_against(others[best], ours, key)})."
        )
    text = f"carrousel won: its {LABELS[key]} is {gain:.0%} below that of the best other, {best}."
    for second in measures[1:]:
        rival = min(others, key=lambda name: others[name][second])
        if others[rival][second] < ours[second]:
            against = _against(others[rival], ours, second)
            text += f" By {LABELS[second]}, {rival} was better ({against})."
    return text


def _against(theirs: dict[str, Any], ours: dict[str, Any], key: str) -> str:
    return f"{LABELS[key]} {theirs[key]:.3g} against our {ours[key]:.3g}"


def score_record(scores: list[Score], panel: Panel) -> dict[str, Any]:
    """All scores as plain data: means and per series."""
    record = {}
    for one in scores:
        per_series = {
            str(name): {
                "smape": one.smape[s],
                "mase": one.mase[s],
                "coverage": {str(level): share[s] for level, share in one.coverage.items()},
            }
            for s, name in enumerate(panel.ids)
        }
        record[one.name] = {"mean": one.mean(), "series": per_series}
    return record


def write_json(path: Path, data: Any) -> None:
    """JSON that every reader accepts: NaN and infinities become null."""
    text = json.dumps(_plain(data), indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def table_bytes(table: pl.DataFrame, panel: Panel, suffix: str) -> bytes:
    """The content of a ``.csv`` or ``.parquet`` file; CSV with the digits that say something."""
    buffer = io.BytesIO()
    if suffix == ".parquet":
        table.write_parquet(buffer)
    else:
        rounded = _rounded(table, panel.target_col).with_columns(
            pl.selectors.datetime().dt.to_string(_time_format(table, panel))
        )
        rounded.write_csv(buffer)
    return buffer.getvalue()


def _rounded(table: pl.DataFrame, target: str) -> pl.DataFrame:
    """The target as it came; of forecasts seven digits, counted from the width of their interval
    where they lie far from zero.

    >>> row = {"carrousel": 1e9 + 0.123456789, "carrousel-lo-95": 1e9, "carrousel-hi-95": 1e9 + 1}
    >>> _rounded(pl.DataFrame([row]), "y")["carrousel"].item()
    1000000000.123457
    """
    names = [name for name in table.select(pl.selectors.float()).columns if name != target]
    values = table.select(names).to_numpy().astype(np.float64)  # (rows, columns)
    if not values.size:
        return table
    width = np.ptp(values, axis=1, keepdims=True)
    unit = np.where(width > 0, np.minimum(width, np.abs(values)), np.abs(values))
    with np.errstate(divide="ignore"):
        digits = 6 - np.floor(np.log10(unit))
    digits = np.where(np.isfinite(digits), digits, 0).clip(-300, 300)
    shifted = values * 10.0**digits
    whole = np.where(np.abs(shifted) < 2**53, np.round(shifted) / 10.0**digits, values)
    return table.with_columns(pl.Series(name, whole[:, k]) for k, name in enumerate(names))


def _time_format(table: pl.DataFrame, panel: Panel) -> str:
    """Dates alone where every time is a midnight of no zone; fractions where there are some."""
    time = table[panel.time_col]
    if not isinstance(time.dtype, pl.Datetime):
        return ""
    zone = "%:z" if time.dtype.time_zone else ""
    if not zone and (time.dt.truncate("1d") == time).all():
        return "%Y-%m-%d"
    fraction = "%.6f" if (time.dt.microsecond() != 0).any() else ""
    return f"%Y-%m-%d %H:%M:%S{fraction}{zone}"


def _cell(values: dict, means: list[dict], key: str) -> Text:
    if values[key] is None:
        return Text("-")
    text = f"{values[key]:.3f}" if key == "mase" else f"{values[key]:.2f}"
    best = min(m[key] for m in means if m[key] is not None)
    return Text(text, style="bold" if values[key] == best else "")


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(k): _plain(v) for k, v in data.items()}
    if isinstance(data, (list, tuple, np.ndarray)):
        return [_plain(v) for v in data]
    if isinstance(data, (np.generic,)):
        data = data.item()
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data if data is None or isinstance(data, (bool, int, float, str)) else str(data)
