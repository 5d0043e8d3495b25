"""Windows and what a forecaster sees of them, by the reference: what binds the three texts.

    python -m tests.vectors.windows        # writes windows.json anew

The kernel is held to them by ``tests/ops/test_vectors.py``, the page's JavaScript by
``tests/web/js/windows.test.js``. To be written again when a formula or a number of
``carrousel.ops.constants`` changes, and never to make a test pass.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from carrousel.ops.constants import WINDOW
from carrousel.ops.reference.anchors import Anchors
from carrousel.ops.reference.features import features, steps_back
from carrousel.ops.reference.scaling import Prior, scale_steps

FILE = Path(__file__).with_suffix(".json")
DIGITS = 10
NAN = float("nan")

SHAPES = {  # patch, steps, h, seasons
    "one value a step, no season": (1, 14, 5, (1,)),
    "one value a step, a week": (1, 30, 9, (7,)),
    "one value a step, a week and a month": (1, 40, 6, (5, 15)),
    "a year of months": (12, 5, 7, (12,)),
    "quarters of a year": (3, 10, 14, (12,)),
    "a day within a week": (4, 15, 9, (4, 28)),
    "a season that is no multiple of the shortest": (2, 14, 11, (4, 20, 14)),
    "a season longer than the window": (6, 4, 8, (24, 168)),
    "a horizon of many seasons": (3, 6, 20, (3, 6)),
    "a single step": (4, 1, 5, (4, 8)),
}


def _steady(y: NDArray) -> NDArray:
    return y


def _gaps(y: NDArray) -> NDArray:
    y[np.random.default_rng(1).random(len(y)) < 0.3] = NAN
    return y


def _young(y: NDArray) -> NDArray:
    y[: len(y) * 2 // 3] = NAN
    return y


def _last_alone(y: NDArray) -> NDArray:
    y[:-1] = NAN
    return y


def _first_alone(y: NDArray) -> NDArray:
    y[1:] = NAN
    return y


def _ends_in_a_gap(y: NDArray) -> NDArray:
    y[len(y) * 3 // 4 :] = NAN
    return y


def _far_away(y: NDArray) -> NDArray:
    return y + 1e9


def _outliers(y: NDArray) -> NDArray:
    y[len(y) // 2 :: max(len(y) // 5, 1)] += 500
    return y


def _level_shifts(y: NDArray) -> NDArray:
    y[len(y) * 2 // 3 :] += 200
    return y


def _sales(y: NDArray) -> NDArray:
    return np.where(np.random.default_rng(2).random(len(y)) < 0.8, 0.0, np.abs(y) % 7)


def _calms_down(y: NDArray) -> NDArray:
    half = len(y) // 2
    y[half:] = y[-1] + (y[half:] - y[-1]) * 0.01
    y[:half:2] += 80
    return y


def _rises_from_nothing(y: NDArray) -> NDArray:
    y[: len(y) * 3 // 4] *= 1e-9
    y[: len(y) * 3 // 4 : 2] = 2.0
    y[1 : len(y) * 3 // 4 : 6] = 5.0
    return y


def _still(y: NDArray) -> NDArray:
    return np.full_like(y, 7.0)


def _nothing(y: NDArray) -> NDArray:
    return np.zeros_like(y)


def _small_in_the_mean(y: NDArray) -> NDArray:
    return (y - y.mean()) * 1e-7


KINDS = {
    "as it is": _steady,
    "gaps": _gaps,
    "a short history": _young,
    "the last value alone": _last_alone,
    "the first value alone": _first_alone,
    "a gap at the end": _ends_in_a_gap,
    "a large offset": _far_away,
    "outliers": _outliers,
    "a level that shifts": _level_shifts,
    "sales now and then": _sales,
    "wild, then calm": _calms_down,
    "a rise from nothing": _rises_from_nothing,
    "a constant": _still,
    "zeros": _nothing,
    "small and around zero": _small_in_the_mean,
    "no value": lambda y: np.full_like(y, NAN),
}

NEED_MANY_STEPS = ("outliers", "a level that shifts", "wild, then calm")  # until they matter


def cases() -> list[dict[str, Any]]:
    """Every kind of series, and every shape: each shape meets some kinds, and each kind two
    shapes or three."""
    found, names = [], list(SHAPES)
    for k, kind in enumerate(KINDS):
        shapes = [names[k % len(names)], names[(k + 5) % len(names)]]
        if kind in NEED_MANY_STEPS:
            shapes.append("one value a step, a week")
        found += [_case(shape, kind, k) for shape in dict.fromkeys(shapes)]
    return found


def _case(name: str, kind: str, seed: int) -> dict[str, Any]:
    step, steps, h, seasons = SHAPES[name]
    rng, t = np.random.default_rng(seed), np.arange(step * steps)
    wave = 4 * np.sin(2 * np.pi * t / max(seasons[0], 2))
    y = KINDS[kind](50 + wave + np.cumsum(rng.standard_normal(len(t)))).round(9)
    y[np.abs(y) > 1e6] = y[np.abs(y) > 1e6].round(3)  # what a JSON of few digits holds
    known = y[np.isfinite(y)]
    case = {
        "name": f"{name}: {kind}",
        "shape": {"patch": step, "steps": steps, "h": h, "seasons": list(seasons)},
        "prior": [0.03, 0.2] if seed % 2 else [0.1, 0.0],
        "offset": float(known[-1]) if len(known) else 0.0,
        "history": [None if np.isnan(value) else value for value in y.tolist()],
    }
    return case | {name: _plain(found) for name, found in seen(case).items()}


def windows(case: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor, Anchors, list[int], Prior]:
    """History (1, T*step) less its offset (1, 1), both float64, and what is asked of it."""
    shape = case["shape"]
    y = np.array([NAN if value is None else value for value in case["history"]])
    anchors = Anchors(shape["patch"], shape["h"], tuple(shape["seasons"]))
    backs = steps_back(shape["patch"], shape["steps"], shape["seasons"])
    offset = torch.tensor([[case["offset"]]], dtype=torch.float64)
    return torch.from_numpy(y)[None] - offset, offset, anchors, backs, Prior(*case["prior"])


def seen(case: dict[str, Any]) -> dict[str, NDArray]:
    """What the reference sees of the one window: ``origin`` in the units of y, ``anchors`` of the
    steps ``asked``."""
    history, offset, anchors, backs, prior = windows(case)
    scaled = scale_steps(history, anchors.step, anchors.seasons, offset=offset, prior=prior)
    parts = {
        name: getattr(scaled, name)[0] for name in ("values", "mask", "level", "scale", "size")
    }
    parts |= {"age": scaled.age[0], "origin": scaled.absolute()[0]}
    parts |= {"features": features(scaled, backs)[0]}
    parts |= {"anchors": anchors(scaled)[0][asked(len(scaled.age[0]))]}
    return {name: part.numpy() for name, part in parts.items()}


def asked(steps: int) -> list[int]:
    """The steps after which there are simple forecasts: the first, one in the middle, the last."""
    return sorted({0, steps // 2, steps - 1})


def _plain(array: NDArray) -> Any:
    if array.ndim > 1:
        return [_plain(row) for row in array]
    return [float(f"{value:.{DIGITS}g}") for value in array.tolist()]


def written() -> str:
    """The file, a case a line."""
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases())
    return f'{{"constants":{json.dumps(WINDOW._asdict())},\n"cases":[\n{lines}\n]}}\n'


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
