"""What others published for three of the sets, without learning from them: GIFT-Eval's leaderboard.

MASE, CRPS (weighted quantile loss of nine deciles) and MSIS (95 %) of ``m4_hourly/h/short``,
``hospital/m/short`` and ``ett1/h/short`` (Salesforce/GIFT-Eval on Hugging Face). Same horizons,
test windows and metrics as here. Seasonal naive, which is in both, has the same MASE but for ett1
(0.977 there: each window is scaled by all that came before it).
"""

import math

PUBLISHED = {
    "m4_hourly": {
        "TiRex": (0.7222, 0.02016, 5.451),
        "FlowState-r1.1": (0.7342, 0.02372, 10.52),
        "chronos-2": (0.7884, 0.02322, 5.53),
        "TempoPFN": (0.8085, 0.03238, 5.711),
        "FLAIR (published)": (1.814, 0.03416, 12.78),
        "AutoARIMA (published)": (1.03, 0.0337, 8.96),
    },
    "hospital": {
        "TiRex": (0.7559, 0.05071, 5.26),
        "FlowState-r1.1": (0.7444, 0.04668, 9.324),
        "chronos-2": (0.7399, 0.05096, 4.876),
        "TempoPFN": (0.7631, 0.05246, 5.267),
        "FLAIR (published)": (0.7887, 0.05692, 5.224),
        "AutoARIMA (published)": (0.826, 0.0596, 5.81),
    },
    "ett1": {
        "TiRex": (0.8168, 0.176, 5.611),
        "FlowState-r1.1": (0.8245, 0.1817, 10.15),
        "chronos-2": (0.7868, 0.1706, 5.608),
        "TempoPFN": (0.8403, 0.1834, 5.984),
        "FLAIR (published)": (0.9429, 0.204, 6.315),
        "AutoARIMA (published)": (0.995, 0.223, 9.2),
    },
}


def rows(name: str) -> dict[str, dict[str, float]]:
    """The published scores of a set by method, as ``forecasting.score`` gives them."""
    names = ("mase", "crps", "msis")
    nothing = dict.fromkeys(("smape", "coverage80", "coverage95", "seconds"), math.nan)
    return {
        method: dict(zip(names, found, strict=True)) | nothing
        for method, found in PUBLISHED.get(name, {}).items()
    }
