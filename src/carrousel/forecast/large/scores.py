"""Scores of very many series, summarized: means, their distribution by group, the worst ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...wording import counted
from ..evaluation.evaluation import Evaluation
from ..evaluation.metrics import DECIDES, Metric, all_metrics
from ..evaluation.verdict import LABELS, verdict
from ..intervals.calibration import MODEL
from .groups import NONE, OF

METHOD, WEIGHT, STEPS, SIZE = "method", "weight", "steps", "size"
WORST = 20  # series that are named
MOST_GROUPS, OTHERS = 50, "(others)"  # of a column; the smallest of more are one
SHARES = (0.1, 0.5, 0.9)  # of the distribution that are told


def score_rows(evaluation: Evaluation) -> pl.DataFrame:
    """A row for each method and series: scores, the steps that were known before the first window,
    the mean size of what happened, and its sum, by which relative scores are weighed."""
    known = np.maximum(evaluation.panel.lengths - evaluation.hidden[0], 0)
    size = np.abs(evaluation.targets)  # (W, S, h)
    there = np.isfinite(size)
    total = np.where(there, size, 0.0).sum((0, 2))
    count, many = there.sum((0, 2)), len(evaluation.methods)
    beside = {STEPS: known, SIZE: total / np.maximum(count, 1), WEIGHT: total}
    found: pl.DataFrame = evaluation.table("series")
    return found.with_columns(
        [pl.Series(name, np.tile(values, many)) for name, values in beside.items()]
    )


@dataclass(frozen=True)
class Scores:
    """What is told of the scores of S series.

    Attributes:
        series: How many were compared.
        means: For each method, ours first, each metric.
        measure: The metric that the rest is about.
        lost: For each other method, how many series it forecast better than we did.
        groups: Series by a column, if one was asked for, and by their length and by their size, a
            quarter each: mean and distribution of the measure, and how many of them the first other
            method forecast better.
        worst: The series with the largest errors, and those of the others.
    """

    series: int
    means: dict[str, dict[str, float | None]]
    measure: str
    lost: dict[str, int]
    groups: tuple[dict[str, Any], ...]
    worst: tuple[dict[str, Any], ...]

    @property
    def sentences(self) -> list[str]:
        """Who won, and how many series each other method forecast better."""
        told = [
            f"{counted(n, 'series', 'series')} of {self.series:,} ({n / self.series:.0%}) are "
            f"forecast better by {name} ({LABELS[self.measure]})"
            for name, n in self.lost.items()
        ]
        return [verdict(self.means), *told]


def summarized(
    paths: Sequence[Path],
    id_col: str,
    levels: Sequence[float],
    by: str | None = None,
    group_of: pl.DataFrame | None = None,
) -> Scores:
    """The summary of files of ``score_rows``; ``group_of`` has the group of each series, which are
    called by the column ``by``."""
    metrics = all_metrics(levels)
    names = [metric.name for metric in metrics]
    table = pl.scan_parquet(list(paths)).with_columns(pl.col(names).fill_nan(None))
    methods = list(pl.read_parquet(paths[0], columns=[METHOD])[METHOD].unique(maintain_order=True))
    means = _means(table, metrics, methods)
    measure = next((name for name in DECIDES if means[MODEL][name] is not None), DECIDES[-1])
    wide = _side_by_side(table, id_col, measure, methods)
    others = methods[1:]
    return Scores(
        series=len(wide),
        means=means,
        measure=measure,
        lost={name: int((wide[name] < wide[MODEL]).sum()) for name in others},
        groups=(
            *(() if group_of is None else _of_column(wide, id_col, str(by), group_of, others[:1])),
            *(row for name in (STEPS, SIZE) for row in _quarters(wide, name, others[:1])),
        ),
        worst=tuple(wide.drop_nulls(MODEL).sort([MODEL, id_col], descending=[True, False])
                    .head(WORST).drop(STEPS, SIZE).to_dicts()),
    )  # fmt: skip


def _means(
    table: pl.LazyFrame, metrics: Sequence[Metric], methods: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """As ``Evaluation.means``: relative scores are the ratio of sums."""
    found = table.group_by(METHOD).agg([_mean(metric) for metric in metrics]).collect()
    rows = {row.pop(METHOD): row for row in found.to_dicts()}
    return {name: rows[name] for name in methods}


def _mean(metric: Metric) -> pl.Expr:
    score = pl.col(metric.name)
    if metric.per is None:
        return score.mean()
    weight = pl.when(score.is_not_null()).then(pl.col(WEIGHT))
    return ((score * weight).sum() / weight.sum()).fill_nan(None).alias(metric.name)


def _side_by_side(
    table: pl.LazyFrame, id_col: str, measure: str, methods: Sequence[str]
) -> pl.DataFrame:
    """A row for each series: its errors by each method, its length and size."""
    wide = table.select(id_col, METHOD, measure, STEPS, SIZE).collect()
    found = wide.filter(pl.col(METHOD) == MODEL).select(
        id_col, pl.col(measure).alias(MODEL), STEPS, SIZE
    )
    for name in methods[1:]:
        other = wide.filter(pl.col(METHOD) == name).select(id_col, pl.col(measure).alias(name))
        found = found.join(other, on=id_col, how="left", maintain_order="left")
    return found.select(id_col, *methods, STEPS, SIZE)


def _of_column(
    wide: pl.DataFrame, id_col: str, by: str, group_of: pl.DataFrame, other: Sequence[str]
) -> list[dict[str, Any]]:
    """The distribution of our errors in each group, the largest mean first."""
    table = wide.join(group_of, on=id_col, how="left", maintain_order="left")
    table = table.with_columns(pl.col(OF).fill_null(NONE))
    many = table[OF].value_counts(sort=True)
    if len(many) > MOST_GROUPS:
        kept = many.sort(["count", OF], descending=[True, False])[OF].head(MOST_GROUPS - 1)
        one = pl.when(pl.col(OF).is_in(kept.implode())).then(OF).otherwise(pl.lit(OTHERS))
        table = table.with_columns(one.alias(OF))
    parts = table.partition_by(OF, as_dict=True)
    rows = [_row(f"{by} {name}", part, other) for (name,), part in sorted(parts.items())]
    return sorted(rows, key=lambda row: -row["mean"] if row["mean"] is not None else 0.0)


def _quarters(wide: pl.DataFrame, by: str, other: Sequence[str]) -> list[dict[str, Any]]:
    """The distribution of our errors in each quarter of the series by length or size."""
    edges = [wide[by].quantile(share) for share in (0.25, 0.5, 0.75)]
    inner = sorted({float(edge) for edge in edges if edge is not None} - {float(wide[by].max())})  # type: ignore[arg-type]
    number = pl.Series("part", np.searchsorted(inner, wide[by].to_numpy(), side="left"))
    parts, rows = wide.with_columns(number).partition_by("part", as_dict=True), []
    for _, part in sorted(parts.items()):
        if part[MODEL].null_count() == len(part):
            continue
        least, most = float(part[by].min()), float(part[by].max())  # type: ignore[arg-type]
        extent = f"{least:,.4g} to {most:,.4g}" if least < most else f"{least:,.4g}"
        rows.append(_row(f"{by} {extent}", part, other))
    return rows


def _row(name: str, part: pl.DataFrame, other: Sequence[str]) -> dict[str, Any]:
    ours = part[MODEL].drop_nulls()
    return {
        "group": name,
        "series": len(part),
        "mean": ours.mean(),
        **{f"{share:.0%}": ours.quantile(share, "linear") for share in SHARES},
        **{f"lost to {one}": int((part[one] < part[MODEL]).sum()) for one in other},
    }
