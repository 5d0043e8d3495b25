"""Charts whose lines stretch with the page and whose text does not.

The plot is an SVG of 100 by 100 units that fills its box; labels are HTML beside it, placed in
percent. So a chart is as readable on a telephone as on a wall, without a script.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

import matplotlib.dates as mdates
import numpy as np
from matplotlib.ticker import MaxNLocator


@dataclass
class Chart:
    """A plot from x0..x1 and y0..y1 to which marks are added, then rendered as HTML."""

    x: tuple[float, float]
    y: tuple[float, float]
    height: int = 220
    marks: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Data to units of the SVG; y grows upwards in data, downwards on the page."""
        width, rise = self.x[1] - self.x[0] or 1.0, self.y[1] - self.y[0] or 1.0
        return 100 * (x - self.x[0]) / width, 100 - 100 * (y - self.y[0]) / rise

    def line(self, x: np.ndarray, y: np.ndarray, kind: str) -> None:
        """A line, broken where a value is missing; a lone value is a dot."""
        for run in _runs(y):
            if len(run) == 1:
                self.dots(x[run], y[run], kind)
            else:
                self.marks.append(
                    f'<path class="line {kind}" d="M{_points(*self.at(x[run], y[run]))}"/>'
                )

    def area(self, x: np.ndarray, low: np.ndarray, high: np.ndarray, kind: str) -> None:
        if len(x) == 1:  # an area of one step has no width
            across, ends = self.at(np.repeat(x, 2), np.array([low[0], high[0]]))
            self.marks.append(f'<path class="thick {kind}" d="M{_points(across, ends)}"/>')
            return
        there, back = _points(*self.at(x, high)), _points(*self.at(x[::-1], low[::-1]))
        self.marks.append(f'<path class="area {kind}" d="M{there}L{back}Z"/>')

    def bars(
        self, left: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray, kind: str
    ) -> None:
        for edges in zip(left, right, low, high, strict=True):
            (x0, x1), (y1, y0) = self.at(np.array(edges[:2]), np.array(sorted(edges[2:])))
            size = f'width="{x1 - x0:.2f}" height="{y1 - y0:.2f}"'
            self.marks.append(f'<rect class="{kind}" x="{x0:.2f}" y="{y0:.2f}" {size}/>')

    def dots(self, x: np.ndarray, y: np.ndarray, kind: str) -> None:
        places = "".join(f"M{a:.2f} {b:.2f}h0" for a, b in zip(*self.at(x, y), strict=True))
        self.marks.append(f'<path class="dot {kind}" d="{places}"/>')

    def whiskers(self, x: np.ndarray, low: np.ndarray, high: np.ndarray, kind: str) -> None:
        ends = zip(*self.at(x, low), self.at(x, high)[1], strict=True)
        places = "".join(f"M{a:.2f} {b:.2f}V{c:.2f}" for a, b, c in ends)
        self.marks.append(f'<path class="line {kind}" d="{places}"/>')

    def rule(self, y: float, kind: str = "zero") -> None:
        """A horizontal line across."""
        height = float(self.at(np.zeros(1), np.array([y]))[1][0])
        self.marks.append(f'<path class="line {kind}" d="M0 {height:.2f}H100"/>')

    def grid(self, ticks: Sequence[float], texts: Sequence[str]) -> None:
        """Lines and labels of the y axis."""
        for value, text in zip(ticks, texts, strict=True):
            top = float(self.at(np.zeros(1), np.array([value]))[1][0])
            if -0.5 <= top <= 100.5:
                self.rule(value, "grid")
                self.labels.append(f'<span class="y" style="top:{top:.2f}%">{escape(text)}</span>')

    def axis(self, ticks: Sequence[float], texts: Sequence[str]) -> None:
        """Labels of the x axis; every second makes way on a narrow page."""
        for k, (value, text) in enumerate(zip(ticks, texts, strict=True)):
            left = float(self.at(np.array([value]), np.zeros(1))[0][0])
            if -0.5 <= left <= 100.5:
                minor = " minor" if k % 2 else ""
                self.labels.append(
                    f'<span class="x{minor}" style="left:{left:.2f}%">{escape(text)}</span>'
                )

    def render(
        self, legend: Iterable[tuple[str, str]] = (), data: str = "", label: str = ""
    ) -> str:
        """The HTML of the chart. ``data`` is JSON for the script that reads values off; ``label``
        says in words what the chart shows."""
        keys = "".join(
            f'<span><i class="{kind}"></i>{escape(text)}</span>' for kind, text in legend
        )
        more = f' data-values="{escape(data)}"' if data else ""
        return (
            f'<div class="legend">{keys}</div>'
            f'<div class="chart" style="height:{self.height}px"{more}>'
            f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
            f'aria-label="{escape(label)}">{"".join(self.marks)}</svg>{"".join(self.labels)}</div>'
        )


def numbers(times: np.ndarray) -> np.ndarray:
    """Times as floats."""
    return mdates.date2num(times) if times.dtype.kind == "M" else times.astype(float)


def time_ticks(low: float, high: float, dated: bool) -> tuple[list[float], list[str]]:
    """Up to about seven round times, and their texts."""
    if not dated:
        places = MaxNLocator(nbins=7, integer=True).tick_values(low, high)
        return list(places), [f"{place:,.0f}" for place in places]
    locator = mdates.AutoDateLocator(minticks=3, maxticks=7)
    places = locator.tick_values(mdates.num2date(low), mdates.num2date(high))
    formatter = mdates.ConciseDateFormatter(
        locator, formats=["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%S.%f"],
        zero_formats=["", "%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M"],
    )  # fmt: skip
    return list(places), formatter.format_ticks(places)


def value_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    places = [float(place) for place in MaxNLocator(nbins=5).tick_values(low, high)]
    digits = max((_digits(place) for place in places), default=0)
    return places, [f"{place:,.{digits}f}" for place in places]


def span(*parts: np.ndarray, room: float = 0.06) -> tuple[float, float]:
    """The range of all values that are there, with a little room."""
    values = np.concatenate([np.ravel(part) for part in parts])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    more = room * (high - low) or abs(high) * 0.1 or 1.0
    return low - more, high + more


def _digits(value: float) -> int:
    text = f"{value:.6f}".rstrip("0")
    return len(text.split(".")[1])


def _runs(y: np.ndarray) -> list[np.ndarray]:
    """Indices of what is present, run by run."""
    present = np.flatnonzero(np.isfinite(y))
    return [run for run in np.split(present, np.flatnonzero(np.diff(present) > 1) + 1) if len(run)]


def _points(x: np.ndarray, y: np.ndarray) -> str:
    return "L".join(f"{a:.2f} {b:.2f}" for a, b in zip(x, y, strict=True))
