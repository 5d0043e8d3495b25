"""What a step shows a network; everything in units of the step's own scale.

The values beside the level, what changed since the step before and since each longer season, and
how the level moved, squashed by a logarithm, so that an outlier is large but not overwhelming; then
the scale beside the size of the values, and which values were there.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..constants import WINDOW
from .scaling import Scaled


def features(scaled: Scaled, backs: Sequence[int]) -> Tensor:
    """(B, T, step * (2 + len(backs)) + 2) what each of T steps shows; see ``steps_back``."""
    values, scale, level = scaled.values, scaled.scale, scaled.level
    changes = [_change(values, back) for back in backs]
    moved = _change(level, 1)
    parts = [(values - level) / scale, *(change / scale for change in changes), moved / scale]
    seen = torch.cat(parts, -1)
    seen = seen.abs().log1p_().copysign_(seen).masked_fill_((scaled.age < 0)[..., None], 0.0)
    relative = scale / scaled.size.clamp_min(WINDOW.least)
    return torch.cat([seen, relative.clamp(WINDOW.floor, WINDOW.widest).log(), scaled.mask], -1)


def steps_back(step: int, steps: int, seasons: Sequence[int]) -> list[int]:
    """At which values are compared: the step before, and each longer season of a window of so many
    steps."""
    longer = [season // step for season in seasons if season % step == 0]
    return sorted({1, *(back for back in longer if back < steps)})


def _change(values: Tensor, back: int) -> Tensor:
    """Values minus those ``back`` steps before; 0 where there were none."""
    before = torch.cat([values[:, :1].expand(-1, back, -1), values[:, :-back]], 1)
    return values - before if back < values.shape[1] else torch.zeros_like(values)
