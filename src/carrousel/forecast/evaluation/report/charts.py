"""The charts of a report."""

import json

import numpy as np

from ....html_chart import Chart, numbers, span, time_ticks, value_ticks
from ....wording import written
from ...explanation.explanation import Explanation
from .. import Evaluation
from .content import Content

MOST_POINTS = 700  # of history in a chart


def forecast_chart(content: Content, s: int) -> str:
    """History, held-out forecast, forecast and intervals of one series."""
    panel, future, trial = content.panel, content.future, content.trial
    h = future.median.shape[1]
    shown = min(max(6 * h, 3 * panel.freq.season_length), MOST_POINTS)
    first = max(int(panel.lengths[s]) - shown, 0)
    times, y = panel.local(panel.times(s, first)), panel.series(s)[first:].astype(float)
    x, ahead = numbers(times), numbers(future.times[s])
    bounds = [band[level][s] for band in (future.lower, future.upper) for level in band]
    tried = [] if trial is None else [trial.median[s]]
    chart = _chart(x[0], ahead[-1], span(y, future.median[s], *tried, *bounds), times, 260)
    levels = sorted(future.lower, reverse=True)
    for k, level in enumerate(levels):
        chart.area(ahead, future.lower[level][s], future.upper[level][s], f"band b{min(k, 2)}")
    chart.line(x, y, "observed")
    if trial is not None:
        chart.line(numbers(trial.times[s]), trial.median[s], "trial")
    chart.line(ahead, future.median[s], "forecast")
    held_out = [] if trial is None else [("trial", "forecast made without these values")]
    legend = [("observed", "observed"), *held_out, ("forecast", "forecast")]
    legend += [(f"band b{min(k, 2)}", f"{level} % interval") for k, level in enumerate(levels)]
    label = f"History and forecast of {panel.ids[s]}"
    return chart.render(legend, _readings(content, s, first), label)


def _readings(content: Content, s: int, first: int) -> str:
    """JSON for reading values off: position in percent, time, and what there is at it."""
    panel, future, trial = content.panel, content.future, content.trial
    times = np.concatenate([panel.local(panel.times(s, first)), future.times[s]])
    x = numbers(times)
    left = 100 * (x - x[0]) / (x[-1] - x[0] or 1.0)
    past = len(x) - future.median.shape[1]
    rows: dict[float, dict[str, str]] = {k: {} for k in range(len(x))}
    for k, value in enumerate(panel.series(s)[first:]):
        rows[k]["observed"] = _short(value)
    tried = [] if trial is None else trial.median[s]
    for k, value in zip(range(past - len(tried), past), tried, strict=True):
        if k >= 0:
            rows[k]["forecast without it"] = _short(value)
    for k, value in enumerate(future.median[s]):
        rows[past + k]["forecast"] = _short(value)
        for level in sorted(future.lower):
            low, high = future.lower[level][s, k], future.upper[level][s, k]
            rows[past + k][f"{level} %"] = f"{_short(low)} to {_short(high)}"
    texts = [written(time) for time in times]
    return json.dumps([[round(float(at), 2), text, rows[k]] for k, (at, text) in
                       enumerate(zip(left, texts, strict=True))], ensure_ascii=False)  # fmt: skip


def error_chart(evaluation: Evaluation) -> str:
    """Error by step of the horizon, ours beside the simple methods."""
    errors = evaluation.by_step("mase")  # (M, h)
    h = errors.shape[1]
    x = np.arange(1, h + 1, dtype=float)
    high = span(*errors)[1]
    chart = Chart((0.5, h + 0.5), (0.0, max(high, 1e-9)), 200)
    chart.grid(*value_ticks(*chart.y))
    chart.axis(*time_ticks(1, h, dated=False))
    legend = []
    for k, method in enumerate(evaluation.methods):
        kind = "forecast" if k == 0 else f"other o{min(k, 3)}"
        chart.line(x, errors[k], kind)
        legend.append((kind, method))
    return chart.render(legend, label="Error by step of the horizon")


def coverage_chart(evaluation: Evaluation) -> str:
    """Share of held-out values inside each interval, by step of the horizon; dashed: as asked."""
    h = evaluation.targets.shape[2]
    chart = Chart((0.5, h + 0.5), (0.0, 1.05), 200)
    chart.grid([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    chart.axis(*time_ticks(1, h, dated=False))
    legend = []
    for k, (level, metric) in enumerate(sorted(evaluation.coverages.items())):
        kind = ("forecast", "other o3", "other o2")[min(k, 2)]
        chart.rule(level / 100, f"{kind} asked")
        chart.line(np.arange(1, h + 1, dtype=float), evaluation.by_step(metric.name)[0], kind)
        legend.append((kind, f"inside the {level:g} % interval"))
    return chart.render(legend, label="Coverage by step of the horizon")


def effect_chart(found: Explanation) -> str:
    """What was copied and what the memory kept of each step, and what removal measures."""
    steps, since = found.steps, found.panel.local(found.steps["from"])
    left = numbers(since)
    width = np.diff(left, append=2 * left[-1] - left[-2] if len(left) > 1 else left[-1] + 1)
    copied, memory = steps["copied"], steps["memory"]
    base = np.where(np.sign(copied) == np.sign(memory), copied, 0.0)
    both = steps["removed_missing"], steps["removed_mean"]
    bounds = span(copied, memory, base + memory, *both, np.zeros(1))
    chart = _chart(left[0], float(left[-1] + width[-1]), bounds, since, 230)
    right = left + 0.84 * width
    chart.bars(left, right, np.zeros_like(copied), copied, "copied")
    chart.bars(left, right, base, base + memory, "memory")
    middle = left + 0.42 * width
    chart.whiskers(middle, np.minimum(*both), np.maximum(*both), "measured")
    chart.dots(middle, steps["removed"], "measured")
    chart.rule(0.0)
    legend = [("copied", "copied by the simple forecasts"), ("memory", "kept by the memory"),
              ("measured", "measured by removal")]  # fmt: skip
    return chart.render(legend, label="Effect of each past step on the forecast")


def reach_chart(found: Explanation) -> str:
    """The forecast by how many steps are remembered before the last."""
    values = found.steps["memory_from"]
    back = np.arange(len(values), dtype=float)[::-1]
    chart = Chart((0.0, max(back[0], 1.0)), span(values, np.array([found.forecast])), 190)
    chart.grid(*value_ticks(*chart.y))
    chart.axis(*time_ticks(0, chart.x[1], dated=False))
    chart.rule(found.forecast, "forecast asked")
    chart.line(back[::-1], values[::-1], "memoryline")
    legend = [("memoryline", "forecast from a memory of so many steps"), ("forecast", "forecast")]
    return chart.render(legend, label="How far back the memory reaches")


def fidelity_chart(found: Explanation) -> str:
    """Deletion curves: the change of the forecast as the steps named first are taken away."""
    grid = found.fidelity.grid.numpy()[:-1]
    kinds = {"account": "memoryline", "removed": "measured", "recency": "other o1",
             "random": "other o2"}  # fmt: skip
    curves = {name: found.fidelity.scores[name].most_first.numpy()[:-1] for name in kinds}
    chart = Chart((0.0, float(grid[-1])), span(*curves.values()), 190)
    chart.grid(*value_ticks(*chart.y))
    chart.axis(list(grid[::2]), [f"{share:.0%}" for share in grid[::2]])
    for name, values in curves.items():
        chart.line(grid, values, kinds[name])
    return chart.render([(kind, name) for name, kind in kinds.items()],
                        label="Change of the forecast as steps are taken away")  # fmt: skip


def _chart(
    low: float, high: float, y: tuple[float, float], times: np.ndarray, height: int
) -> Chart:
    """A chart with a time axis."""
    chart = Chart((float(low), float(high)), y, height)
    chart.grid(*value_ticks(*y))
    chart.axis(*time_ticks(low, high, times.dtype.kind == "M"))
    return chart


def _short(value: float) -> str:
    if not np.isfinite(value):
        return "missing"
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:,.4g}"
