"""What a forecast of one step asks the past: the same phase of past seasons, levels, slopes.

Nothing here is learned. ``ask`` gives, for each origin and each step ahead, the numbers that the
decoder reads and the simple forecasts (anchors) that it weighs, all in units of the history's
``unit`` relative to the value at the origin.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .history import History, phases, squashed

PAST = 7  # seasons looked back at
WEEKS = 3  # of the second season
RECENT = 6  # values before the origin
ANCHORS = (
    "last value", "near level", "far level", "season ago", "season ago and its drift",
    "mean of seasons", "second season ago", "mean of second seasons", "season ago as a week ago",
    "short line", "long line", "seasonal shares", "growth", "season ago and what is new",
    "second season ago and what is new", "mean level",
)  # fmt: skip
NEW = 3  # values before the origin that are compared with those of a season before
NUMBERS = 3 * PAST + 2 + 3 * WEEKS + WEEKS + RECENT + 2 * NEW + 2 + 3 + 11 + 3


class Question(NamedTuple):
    """B windows, O origins in each, J steps ahead of each."""

    numbers: Tensor  # (B, O, J, NUMBERS)
    anchors: Tensor  # (B, O, J, K)
    unit: Tensor  # (B, O, 1)
    origin: Tensor  # (B, O, 1) value at the origin, relative to the history's base


def ask(past: History, origin: Tensor, ahead: Tensor) -> Question:
    """origin (B, O) steps of the history; ahead (B, O, J) >= 1."""
    B, O, J = ahead.shape
    lag, lag2 = past.seasons[:, :1, None], past.seasons[:, 1:, None]  # (B, 1, 1)
    t, first = origin[..., None], past.first[..., None]
    unit, here = past.unit.gather(1, origin)[..., None], past.value.gather(1, origin)[..., None]

    def at(position: Tensor) -> Tensor:
        """(B, O, ...) values in units from the origin's."""
        flat = past.at(position.reshape(B, -1)).reshape(position.shape)
        extra = (1,) * (position.dim() - 3)
        return (flat - here.view(B, O, 1, *extra)) / unit.view(B, O, 1, *extra)

    def block(begin: Tensor, end: Tensor) -> Tensor:
        """(B, O, n) means over [begin, end) in units from the origin's, within the history."""
        begin = torch.minimum(torch.maximum(begin, first), t)
        end = torch.maximum(end, begin + 1)
        flat = lambda p: past.total.gather(1, p.reshape(B, -1)).reshape(p.shape)  # noqa: E731
        mean = (flat(end) - flat(begin)) / (end - begin)
        return ((mean - here) / unit).float()

    target = t + ahead
    seasons = (ahead + lag - 1) // lag
    k = torch.arange(PAST, device=t.device)
    place = (target - seasons * lag)[..., None] - k * lag[..., None]  # (B, O, J, PAST)
    there = place >= first[..., None]
    same = at(place)
    beside = at(torch.stack([place[..., 0] - 1, torch.minimum(place[..., 0] + 1, t)], -1))

    weekly = lag2 > 1
    w = torch.arange(WEEKS, device=t.device)
    weeks = (ahead + lag2 - 1) // lag2
    place2 = (target - weeks * lag2)[..., None] - w * lag2[..., None]
    there2 = (place2 >= first[..., None]) & weekly[..., None]
    week = torch.where(there2, at(place2), same[..., :1])
    earlier = place2 - (seasons * lag)[..., None]
    turn = torch.where(there2 & (earlier >= first[..., None]), week - at(earlier), 0.0)

    i = torch.arange(PAST, device=t.device)
    level = block(t + 1 - (i + 1) * lag, t + 1 - i * lag)  # (B, O, PAST)
    level_there = t + 1 - (i + 1) * lag >= first
    level_week = block(t + 1 - (w + 1) * lag2, t + 1 - w * lag2)
    recent = at(t - 1 - torch.arange(RECENT, device=t.device))
    latest = t - torch.arange(NEW, device=t.device)
    new = at(latest) - at(latest - lag)
    new_week = (at(latest) - at(latest - lag2)) * (latest - lag2 >= first) * weekly
    near = (past.near.gather(1, origin)[..., None] - here) / unit
    far = (past.far.gather(1, origin)[..., None] - here) / unit
    age = t - first
    reach = torch.minimum(age, 10 * lag + 20).clamp_min(1)
    half = (reach // 2).clamp_min(1)
    long = (block(t + 1 - half, t + 1) - block(t + 1 - 2 * half, t + 1 - half)) / half
    short = (level[..., :1] - level[..., 1:2]) / lag * level_there[..., 1:2]
    middle = (level[..., :1] - level[..., 3:4]) / (3 * lag) * level_there[..., 3:4]

    wide = lambda x: x[:, :, None].expand(B, O, J, x.shape[-1])  # noqa: E731
    lines = torch.stack([short * ahead, middle * ahead, long * ahead], -1)
    size = (past.base[..., None] + here.double()).float()
    anchors = _anchors(
        same, there, week, there2, turn, level, level_there, level_week, near, far, lines, seasons,
        size / unit, new, new_week,
    )  # fmt: skip
    lately = wide(torch.cat([recent, new, new_week, near, far], -1))
    week_shown, level_week_shown = week * weekly[..., None], wide(level_week) * weekly[..., None]
    values = torch.cat(
        [same, beside, week_shown, turn, wide(level), level_week_shown, lately, lines], -1
    )
    step = ahead.float()
    plain = torch.stack(
        [
            step.log() / 4,
            (step / lag).clamp(max=20) / 5,
            (step / (age + 1)).clamp(max=5),
            *phases(target + past.before, lag),
            *phases(target + past.before, lag2),
            *phases(ahead, lag),
            (lag.float().log() / 4).expand(step.shape),
            (lag2.float().log() / 6).expand(step.shape),
        ],
        -1,
    )
    regular = past.regular.gather(1, origin[..., None].expand(-1, -1, 3))
    numbers = torch.cat([squashed(values), wide(regular), there.float(), there2.float(), plain], -1)
    return Question(numbers, anchors, unit, here)


def _anchors(
    same, there, week, there2, turn, level, level_there, level_week, near, far, lines, seasons,
    size, new, new_week,
) -> Tensor:  # fmt: skip
    """(B, O, J, K) simple forecasts, in units from the origin's value."""
    zero = torch.zeros_like(same[..., 0])
    known = level_there.float()
    known[..., 0] = 1.0
    have = there.float()
    have[..., 0] = 1.0
    count = have.sum(-1)
    mean = (same * have).sum(-1) / count
    usual = level[:, :, None]
    counted = have * level_there[:, :, None]
    counted[..., 0] = 1.0
    profile = ((same - usual) * counted).sum(-1) / counted.sum(-1) + usual[..., 0]
    drift = (level[..., :1] - level[..., 1:2]) * level_there[..., 1:2]
    have2 = there2.float()
    count2 = have2.sum(-1)
    profile2 = ((week - level_week[:, :, None]) * have2).sum(-1) / count2.clamp_min(1)
    profile2 = torch.where(count2 > 0, profile2 + level_week[:, :, None, 0], mean)
    turned = same[..., 0] + turn.sum(-1) / (turn != 0).sum(-1).clamp_min(1)
    # Shares of the level and growth mean something where values are all positive.
    positive = size > 0
    absolute = level + size  # (B, O, PAST) levels themselves
    share = (same + size[:, :, None]) / absolute[:, :, None].clamp_min(1e-6)
    share = (share * counted).sum(-1) / counted.sum(-1)
    fine = positive & (absolute.amin(-1, keepdim=True) > 0)
    shared = torch.where(fine, (share * absolute[..., :1]) - size, profile)
    slope = lines[..., 2] / size.abs().clamp_min(1e-6)
    grown = torch.where(positive, size * slope.clamp(-1.5, 1.5).expm1(), lines[..., 2])
    return torch.stack(
        [
            zero, near + zero, far + zero, same[..., 0], same[..., 0] + drift * seasons, profile,
            week[..., 0], profile2, turned, near + lines[..., 0], near + lines[..., 2], shared,
            near + grown, same[..., 0] + new.mean(-1, keepdim=True),
            week[..., 0] + new_week.mean(-1, keepdim=True),
            (level * known).sum(-1, keepdim=True) / known.sum(-1, keepdim=True) + zero,
        ],
        -1,
    )  # fmt: skip
