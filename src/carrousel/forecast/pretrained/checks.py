"""What the network would have forecast earlier in the window that it reads, and what that teaches.

The memory after every patch is there, so that forecasts from earlier steps of the same window cost
little. What followed them is known, too. From the errors follow, for each window by itself:

- how much of the simple forecasts is mixed into the middle: their shares fall exponentially with
  their errors, as those of experts do (Vovk 1990; Freund & Schapire 1997);
- how much wider or narrower the intervals become: the factor that would have had the least pinball
  loss, drawn towards 1 where there are few checks.

Constants were chosen on the ends of training parts (docs/pretrained.md).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ..network.distribution import QUANTILES, SIDE
from .network import Answer, Network, Remembered
from .query import ANCHORS

CHECKS = 24  # earlier origins, at most
STEPS = 2  # of the horizon that are looked at from each
SEASONS = 2  # of the past that an origin must know
FEWEST = 4  # values that it must know
LARGEST = 3.0  # errors count up to this many widths
MIXED = tuple(
    ANCHORS.index(name) for name in (
        "mean of second seasons", "season ago as a week ago", "second season ago and what is new",
        "season ago", "mean of seasons", "season ago and what is new", "season ago and its drift",
    )
)  # fmt: skip
ENOUGH = 8.0  # checks, in full weights, after which half of what they teach is believed
HALF = 0.5  # of the middle that a simple forecast may take over
RATE = 8.0  # at which shares fall with the sum of the errors
RELUCTANCE = 0.1  # added to the sum of the errors of what is mixed
FACTORS = tuple(2 ** (k / 7) for k in range(-1, 15))  # of intervals, from 0.9 to 4
HOLD = 0.15  # weight of the squared logarithm of a factor beside the loss of one check
# Outer quantiles lie farther: what comes differs more from the past than it did. Much more after a
# few weeks of hours, which have seen little of a year.
DRIFT, DRIFT_OF_HOURS = 1.05, 1.2
OUTER = tuple(k for k, p in enumerate(QUANTILES) if p <= 0.05 or p >= 0.95)
INNER = tuple(k for k in range(len(QUANTILES)) if k not in OUTER and k != SIDE)


class Checks(NamedTuple):
    """Forecasts from O earlier origins of B windows, in units from each origin's value."""

    quantiles: Tensor  # (B, O, J, Q)
    anchors: Tensor  # (B, O, J, K)
    truth: Tensor  # (B, O, J)
    known: Tensor  # (B, O, J) bool
    weight: Tensor  # (B, O) how much each says: the share of the past that it knew; 0 for none
    origin: Tensor  # (B, O) steps of the window
    ahead: Tensor  # (B, O, J) steps from there
    unit: Tensor  # (B, O, 1)
    drift: float = DRIFT


class Missed(NamedTuple):
    """By how much forecasts from O earlier origins of B windows missed what followed."""

    origin: Tensor  # (B, O) steps of the window
    ahead: Tensor  # (B, O, J) steps from there
    error: Tensor  # (B, O, J) float64, in the units of the series; NaN where it is not known

    def rows(self, which: Tensor | slice) -> "Missed":
        """Those of some of the windows."""
        return Missed(*(x[which] for x in self))


class Lesson(NamedTuple):
    """What the checks teach about the forecast of B windows."""

    shares: Tensor  # (B, len(MIXED)) of the middle that simple forecasts take over
    outer: Tensor  # (B,) factor of the outer quantiles
    inner: Tensor  # (B,) of the others

    def expanded(self, windows: int) -> "Lesson":
        """That of one window, for so many variants of it."""
        return Lesson(
            self.shares.expand(windows, -1), self.outer.expand(windows), self.inner.expand(windows)
        )

    def corrected(self, answer: Answer) -> Answer:
        """The same forecasts of the B windows with what was learned."""
        quantiles = mixed(answer.quantiles, answer.question.anchors, self.shares)
        middle = quantiles[..., SIDE : SIDE + 1]
        factor = torch.ones_like(quantiles[:, 0, 0])  # (B, Q)
        factor[:, OUTER], factor[:, INNER] = self.outer[:, None], self.inner[:, None]
        away = (quantiles - middle) * factor[:, None, None]
        # Where the outer ones shrink more, they stay outside of the others.
        below, above = away[..., :SIDE].flip(-1), away[..., SIDE + 1 :]
        below, above = below.cummin(-1).values.flip(-1), above.cummax(-1).values
        around = torch.cat([below, torch.zeros_like(middle), above], -1)
        return answer._replace(quantiles=middle + around)


def mixed(quantiles: Tensor, anchors: Tensor, shares: Tensor) -> Tensor:
    """(B, O, J, Q) moved by shares (B, len(MIXED)) of the way to the simple forecasts."""
    way = anchors[..., MIXED] - quantiles[..., SIDE, None]
    return quantiles + (way * shares[:, None, None]).sum(-1, keepdim=True)


def check(network: Network, found: Remembered, h: Tensor) -> Checks:
    """Forecasts of up to ``h`` (B, 1) steps from origins spread over what was read of the windows,
    each of which knew less of its past than the end does."""
    past, patch = found.past, network.shape.patch
    length, read = past.value.shape[1], found.memory.shape[1] * patch
    there = length - past.first  # (B, 1) steps since the first value
    shown = there.clamp(max=read)
    reach = torch.minimum(shown // 3, h).clamp_min(1)
    back, fit = _origins(past.seasons[:, :1], there, shown, reach, patch)
    origin = (length - 1 - back).clamp_min(max(length - read, 0) + patch - 1)
    steps = torch.arange(1, STEPS + 1)
    ahead = ((reach * steps + STEPS - 1) // STEPS)[:, None].expand(-1, back.shape[1], -1)
    answer = network.answer(found, origin, ahead)
    place = (origin[..., None] + ahead).flatten(1)
    place = place.clamp(max=length - 1)  # of a window too short for any
    value = past.value.gather(1, place).view(ahead.shape)
    truth = (value - answer.question.origin) / answer.question.unit
    known = past.seen.gather(1, place).view(ahead.shape) & fit[..., None]
    weight = ((there - back) / there.clamp_min(1)) * known.any(-1)
    drift = DRIFT if patch == 1 else DRIFT_OF_HOURS
    question = answer.question
    return Checks(
        answer.quantiles,
        question.anchors,
        truth,
        known,
        weight,
        origin,
        ahead,
        question.unit,
        drift,
    )


def _origins(
    lag: Tensor, there: Tensor, shown: Tensor, reach: Tensor, patch: int
) -> tuple[Tensor, Tensor]:
    """How many steps before the end origins lie, (B, O), and which of them know enough; O is as
    large as one of the windows needs."""
    apart = (reach // 2 // patch).clamp_min(1) * patch
    room = shown - reach - torch.minimum(SEASONS * lag, shown // 3)
    apart = torch.maximum(apart, room / CHECKS)
    back = reach + apart * torch.arange(CHECKS)
    back = ((back / patch).ceil() * patch).long()
    knew = there - back  # steps that an origin knew
    fit = (back < shown) & (knew >= SEASONS * lag) & (knew >= FEWEST)
    needed = max(int(fit.sum(1).max()), 1)  # nearer ones know more: they come first
    return back[:, :needed], fit[:, :needed]


def learn(checks: Checks) -> Lesson:
    """Shares and factors, for each window by itself."""
    quantiles, anchors, truth, known, weight, *_, drift = checks
    width = (quantiles[..., SIDE + 4] - quantiles[..., SIDE - 4]).clamp_min(1e-12)  # of 95 %
    part = known / known.sum(-1, keepdim=True).clamp_min(1)  # (B, O, J) of each step
    part = part * weight[..., None]
    sure = _all_checks(weight).sum(1)
    sure = sure / (sure + ENOUGH)

    def total(error: Tensor) -> Tensor:
        """(B, ...) sums over all checks of errors (B, O, J, ...) in widths."""
        size = (error / width.view(*width.shape, *[1] * (error.dim() - 3))).clamp(max=LARGEST)
        return torch.einsum("boj,boj...->b...", _all_checks(part), _all_checks(size))

    middle = quantiles[..., SIDE, None]
    choices = torch.cat([middle, middle.lerp(anchors[..., MIXED], HALF)], -1)
    loss = total((truth[..., None] - choices).abs())
    loss[:, 1:] += HALF * RELUCTANCE
    loss[:, 0] -= torch.tensor(float(len(MIXED))).log() / RATE  # as likely as all others together
    shares = (-RATE * loss).softmax(-1)[:, 1:] * HALF * sure[:, None]

    quantiles = mixed(quantiles, anchors, shares)
    error = truth - quantiles[..., SIDE]
    outer, inner = (_factor(total, error, quantiles, list(group)) for group in (OUTER, INNER))
    # In double precision: float32 powers differ in the last bit by where they stand in a batch.
    return Lesson(shares, (outer * drift ** sure.double()).float(), inner)


def missed(checks: Checks, lesson: Lesson) -> Missed:
    """What the middle of each check missed, once the lesson is learned."""
    middle = mixed(checks.quantiles, checks.anchors, lesson.shares)[..., SIDE]
    error = (checks.truth - middle).double() * checks.unit
    error = error.masked_fill(~checks.known | (checks.weight == 0)[..., None], torch.nan)
    return Missed(checks.origin, checks.ahead, error)


def _all_checks(x: Tensor) -> Tensor:
    """(B, O, ...) with zeros for the checks that no window of the batch has room for: a sum over
    them is the same, to the last bit, whatever the others need."""
    missing = x.new_zeros(len(x), CHECKS - x.shape[1], *x.shape[2:])
    return torch.cat([x, missing], 1)


def _factor(
    total: Callable[[Tensor], Tensor], error: Tensor, quantiles: Tensor, group: list[int]
) -> Tensor:
    """(B,) by which the distance of some quantiles from the middle is best multiplied."""
    factors = torch.tensor(FACTORS)
    away = quantiles[..., group] - quantiles[..., SIDE, None]  # (B, O, J, q)
    off = error[..., None, None] - away[..., None, :] * factors[:, None]  # (B, O, J, F, q)
    below = torch.tensor(QUANTILES)[group]
    loss = total(torch.maximum(below * off, (below - 1) * off).mean(-1))
    return factors[(loss + HOLD * factors.log() ** 2).argmin(-1)]
