"""Train the forecasters that ship with the explorer: `make models` runs this.

    python -m benchmarks.page_forecasters src/carrousel/web/models

Each is one small network (the page computes it live) learned from a sample that ships with the
package. Beside it goes page.json: titles, more of the series than the model reads, so that a
reader can go back in time, and a backtest by a copy that had not seen what it forecasts.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from carrousel import Forecaster
from carrousel.data import Panel, load_sample, to_panel
from carrousel.forecast.evaluation.simple_methods import seasonal_naive
from carrousel.web.series import series_page


@dataclass(frozen=True)
class Recipe:
    sample: str
    h: int
    windows: int  # of the backtest
    shown: int  # observations of each series that the page holds
    title: dict[str, str]
    refit: bool = False  # learn again before each window of the backtest


RECIPES = (
    Recipe("bikes", 48, 14, 1344, {"en": "Bike rentals, hourly", "fr": "Vélos loués, par heure"}),
    Recipe("jobs", 12, 4, 120, {"en": "US jobs, monthly", "fr": "Emplois (É.-U.), par mois"}, True),
)
# Names of series in French; those of the samples are English.
FRENCH = {
    "registered": "abonnés",
    "casual": "occasionnels",
    "mining and logging": "mines et forêts",
    "construction": "construction",
    "manufacturing": "industrie",
    "trade, transport and utilities": "commerce, transports et services publics",
    "information": "information",
    "finance": "finance",
    "professional services": "services aux entreprises",
    "education and health": "enseignement et santé",
    "leisure and hospitality": "loisirs et hôtellerie",
    "other services": "autres services",
    "government": "administration",
}
NETWORK = {"ensemble": 1, "hidden_size": 32, "num_layers": 1, "pretrained_share": 0}


def main(folder: Path) -> None:
    for recipe in RECIPES:
        panel, _ = to_panel(load_sample(recipe.sample))
        forecaster = Forecaster(recipe.h, **NETWORK).fit(panel)
        forecaster.save(folder / recipe.sample)
        page = {
            "title": recipe.title,
            "series": [titled(one) for one in series_page(forecaster, panel.tail(recipe.shown))],
            "backtest": backtest(forecaster, panel, recipe),
        }
        text = json.dumps(page, ensure_ascii=False, separators=(",", ":"))
        (folder / recipe.sample / "page.json").write_text(text + "\n", encoding="utf-8")
        print(recipe.sample, page["backtest"])


def titled(series: dict[str, Any]) -> dict[str, Any]:
    """With its name in both languages of the page."""
    return series | {"title": {"en": series["id"], "fr": FRENCH[series["id"]]}}


def backtest(forecaster: Forecaster, panel: Panel, recipe: Recipe) -> dict[str, Any]:
    """Mean absolute errors over the windows, and how often the 80 % interval held."""
    h, windows = recipe.h, recipe.windows
    table = forecaster.backtest(panel, windows, level=[80], refit=recipe.refit)
    y, low, high = (np.asarray(table[k]) for k in ("y", "carrousel-lo-80", "carrousel-hi-80"))
    inside = (y >= low) & (y <= high)
    season = forecaster.networks_[0].shape.seasons[0]
    rows = [score("carrousel", np.abs(y - np.asarray(table["carrousel"])), inside)]
    rows += [score("seasonal", naive_errors(panel, h, windows, season), None)]
    rows += [score("naive", naive_errors(panel, h, windows, 1), None)]
    return {"windows": windows, "h": h, "rows": rows}


def naive_errors(panel: Panel, h: int, windows: int, season: int) -> np.ndarray:
    errors = []
    for k in range(windows):
        past = panel.head(h * (k + 1))
        future = panel.head(h * k).tail(h).y.reshape(-1, h)
        errors.append(np.abs(future - seasonal_naive(past, h, season)[:, :, 0]))
    return np.concatenate(errors)


def score(name: str, errors: np.ndarray, inside: np.ndarray | None) -> dict[str, Any]:
    known = np.isfinite(errors)
    coverage = None if inside is None else round(float(inside[known].mean()), 3)
    return {"name": name, "mae": float(f"{errors[known].mean():.5g}"), "coverage": coverage}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
