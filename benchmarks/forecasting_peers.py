"""Other libraries' methods with their defaults, for ``benchmarks/forecasting.py --baselines``.

statsforecast's methods are fitted again before each window, on at most the last LONGEST values
of a series (longer ones take hours); neuralforecast's networks learn once, like ours; FLAIR learns
nothing. Missing values are filled as for the seasonal naive method, since these libraries refuse
them.
"""

import logging
import time
import warnings

import numpy as np

from carrousel.data import Panel
from carrousel.forecast import QUANTILES
from carrousel.forecast.evaluation.simple_methods import filled

STATISTICAL = ("AutoETS", "AutoTheta", "AutoARIMA", "MSTL")
NEURAL = ("LSTM", "NHITS")
FREQUENCIES = {1: "Y", 4: "Q", 12: "M", 7: "D", 24: "h", 48: "30min"}  # of FLAIR, by season
SAMPLES = 500  # of FLAIR
NAMES = (*STATISTICAL, *NEURAL, "FLAIR")
LONGEST = 3000
MEDIAN = QUANTILES.index(0.5)


def forecasts(
    name: str, panel: Panel, h: int, season: int, drops: list[int]
) -> tuple[list[np.ndarray], float]:
    """((S, h, Q) quantiles for each window, seconds); of a network all quantiles are its point
    forecast."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    began = time.perf_counter()
    run = flair if name == "FLAIR" else statistical if name in STATISTICAL else neural
    return run(name, panel, h, season, drops), time.perf_counter() - began


def statistical(name, panel, h, season, drops):
    from statsforecast import StatsForecast, models

    lengths = {"season_length": [season, 7 * season] if season in (24, 48) else season}
    model = getattr(models, name)(**(lengths if name == "MSTL" else {"season_length": season}))
    level = {0.025: "lo-95", 0.1: "lo-80", 0.9: "hi-80", 0.975: "hi-95"}
    out = []
    for drop in drops:
        table = frame(panel.head(drop).tail(LONGEST), season)
        method = StatsForecast(
            [model], freq=1, n_jobs=1, fallback_model=models.SeasonalNaive(season)
        )
        found = method.forecast(df=table, h=h, level=[80, 95])
        quantiles = np.empty((panel.n_series, h, len(QUANTILES)))
        quantiles[:] = found[name].to_numpy().reshape(-1, h, 1)
        for q, probability in enumerate(QUANTILES):
            near = min(level, key=lambda p, to=probability: abs(p - to))
            if probability != 0.5:
                quantiles[..., q] = found[f"{name}-{level[near]}"].to_numpy().reshape(-1, h)
        out.append(quantiles)
    return out


def flair(name, panel, h, season, drops):
    """Quantiles of sample paths (``pip install flaircast``)."""
    from flaircast import forecast

    out = []
    for drop in drops:
        known, found = panel.head(drop).tail(LONGEST), []
        for s in range(panel.n_series):
            y = filled(known.series(s), season).astype(float)
            paths = forecast(y, h, FREQUENCIES[season], n_samples=SAMPLES, seed=0)
            found.append(np.quantile(paths, QUANTILES, axis=0).T)
        out.append(np.stack(found))
    return out


def neural(name, panel, h, season, drops):
    from neuralforecast import NeuralForecast, models

    quiet = ("logger", "enable_progress_bar", "enable_checkpointing", "enable_model_summary")
    size = {"input_size": 3 * h} if name == "NHITS" else {}  # it has no default
    model = getattr(models, name)(
        h=h, accelerator="cpu", start_padding_enabled=True, **size, **dict.fromkeys(quiet, False)
    )
    framework = NeuralForecast([model], freq=1)
    framework.fit(frame(panel.head(drops[0]), season))
    out = []
    for drop in drops:
        found = framework.predict(df=frame(panel.head(drop), season))[name]
        out.append(np.repeat(found.to_numpy().reshape(-1, h, 1), len(QUANTILES), 2))
    return out


def frame(panel: Panel, season: int):
    """A long pandas frame with whole numbers for times."""
    import pandas as pd

    lengths = panel.lengths
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(panel.n_series), lengths),
            "ds": np.concatenate([np.arange(n) for n in lengths]),
            "y": np.concatenate([filled(panel.series(s), season) for s in range(panel.n_series)]),
        }
    )
