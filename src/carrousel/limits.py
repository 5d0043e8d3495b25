"""Options that are numbers: of the right kind, inside their limits, or refused by their name.

The limits are far beyond what anybody has use for; they turn a slip of the keyboard into a
sentence before it becomes an allocation that no memory holds.
"""

import math
from typing import Any

SEEDS = 2**63 - 1
SIZES = {  # the largest of each; what is not listed here may be any number
    "h": 10**6, "context": 1 << 24, "season_length": 1 << 24, "hidden_size": 1 << 16,
    "num_layers": 1000, "ensemble": 1000, "batch_size": 1 << 20, "conformal": 10**4,
    "embedding": 1 << 16, "hidden": 1 << 16, "layers": 1000, "vocabulary": 1 << 24,
    "batch": 1 << 20, "bptt": 1 << 20, "replacements": 10**5, "sentences": 10**6,
    "each": 10**6, "own": 10**6, "jobs": 1000, "seeds": 10**5, "inputs": 1 << 16, "k": 10**4,
}  # fmt: skip


def whole(name: str, value: Any, least: int = 1) -> None:
    """Require a whole number of at least ``least``, and not beyond reason.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is too small or too large.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    most = SEEDS if name == "seed" else SIZES.get(name.lstrip("-"), SEEDS)
    if value > most:
        raise ValueError(f"{name} must be at most {most:,}, got {value:,}")


def real(
    name: str,
    value: Any,
    low: float,
    high: float = 1e9,
    *,
    above: bool = False,
    below: bool = False,
) -> None:
    """Require a finite number between ``low`` and ``high``; ``above``, ``below``: not these two.

    Raises:
        TypeError: It is no number.
        ValueError: It lies outside, or is NaN.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    inside = low <= value <= high and not (above and value == low) and not (below and value == high)
    if math.isnan(value) or not inside:
        left, right = "(" if above else "[", ")" if below else "]"
        raise ValueError(f"{name} must lie in {left}{low:g}, {high:g}{right}, got {value!r}")
