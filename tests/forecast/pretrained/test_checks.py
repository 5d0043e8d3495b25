"""Forecasts of the past of a window, and what is learned from them, against plain loops."""

import numpy as np
import pytest
import torch

from carrousel.forecast.network.distribution import QUANTILES, SIDE
from carrousel.forecast.pretrained import checks as c
from carrousel.forecast.pretrained.query import ANCHORS
from carrousel.forecast.pretrained.storage import shipped

from ..conftest import seasonal_series


def windows(length, count=3, season=12):
    series = [seasonal_series(length, season, noise=3.0, seed=s) for s in range(count)]
    seasons = torch.tensor([[season, 1]]).expand(count, 2)
    return torch.from_numpy(np.stack(series)), seasons


def made_checks(origins=6):
    generator = torch.Generator().manual_seed(3)
    quantiles = torch.randn(4, origins, 2, len(QUANTILES), generator=generator).sort(-1).values
    anchors = torch.randn(4, origins, 2, len(ANCHORS), generator=generator)
    truth = 2 * torch.randn(4, origins, 2, generator=generator)
    known = torch.rand(4, origins, 2, generator=generator) > 0.2
    weight = torch.rand(4, origins, generator=generator) * known.any(-1)
    origin = torch.arange(100, 100 - origins, -1).expand(4, -1)
    ahead = torch.tensor([3, 6]).expand(4, origins, 2)
    unit = 1 + torch.rand(4, origins, 1, generator=generator)
    return c.Checks(quantiles, anchors, truth, known, weight, origin, ahead, unit, c.DRIFT_OF_HOURS)


def pinball(truth, quantile, probability):
    off = truth - quantile
    return max(probability * off, (probability - 1) * off)


def by_loops(found, row):
    """(shares, outer, inner) of one window, one check at a time."""
    q, anchors, truth = (x[row].double().numpy() for x in found[:3])
    known, weight = found.known[row].numpy(), found.weight[row].double().numpy()

    def total(error):
        sum_ = 0.0
        for o, w in enumerate(weight):
            steps = np.flatnonzero(known[o])
            for j in steps:
                width = q[o, j, 9] - q[o, j, 1]
                sum_ += w * min(error(o, j) / width, c.LARGEST) / len(steps)
        return sum_

    sure = weight.sum() / (weight.sum() + c.ENOUGH)
    middle = q[..., SIDE]
    own = np.exp(-c.RATE * total(lambda o, j: abs(truth[o, j] - middle[o, j]))) * len(c.MIXED)
    others = []
    for k in c.MIXED:
        place = middle + c.HALF * (anchors[..., k] - middle)
        error = total(lambda o, j, place=place: abs(truth[o, j] - place[o, j]))
        others.append(np.exp(-c.RATE * (error + c.HALF * c.RELUCTANCE)))
    shares = c.HALF * sure * np.array(others) / (own + sum(others))
    q = q + ((anchors[..., c.MIXED] - middle[..., None]) * shares).sum(-1, keepdims=True)
    factors = []
    for group in (c.OUTER, c.INNER):
        losses = []
        for f in c.FACTORS:
            at = lambda o, j, k, f=f: q[o, j, SIDE] + f * (q[o, j, k] - q[o, j, SIDE])  # noqa: E731
            loss = total(
                lambda o, j, at=at, group=group: np.mean(
                    [pinball(truth[o, j], at(o, j, k), QUANTILES[k]) for k in group]
                )
            )
            losses.append(loss + c.HOLD * np.log(f) ** 2)
        factors.append(c.FACTORS[int(np.argmin(losses))])
    return shares, factors[0] * found.drift**sure, factors[1]


def test_lessons_are_those_of_a_loop_over_the_checks():
    found = made_checks()
    lesson = c.learn(found)
    for row in range(4):
        shares, outer, inner = by_loops(found, row)
        np.testing.assert_allclose(lesson.shares[row], shares, rtol=1e-4)
        np.testing.assert_allclose([lesson.outer[row], lesson.inner[row]], [outer, inner], 1e-5)


@pytest.mark.parametrize("length", [1, 2, 4, 12, 24])
def test_where_nothing_could_be_checked_nothing_is_changed(length):
    y, seasons = windows(length)
    network, h = shipped("single"), torch.full((3, 1), 6)
    with torch.no_grad():
        found = network.remember(y, seasons)
        answer = network.answer(
            found, torch.full((3, 1), length - 1), torch.arange(1, 7).expand(3, 1, 6)
        )
        checked = c.check(network, found, h)
        after = c.learn(checked).corrected(answer)
    assert not checked.weight.any()
    torch.testing.assert_close(after.quantiles, answer.quantiles, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "season", "length"), [("single", 12, 150), ("fours", 24, 400)])
def test_a_check_is_the_forecast_from_a_window_that_ends_there(name, season, length):
    y, seasons = windows(length, 2, season)
    network = shipped(name)
    with torch.no_grad():
        found = network.remember(y, seasons)
        checked = c.check(network, found, torch.full((2, 1), 8))
        stop = length - 8
        ahead = torch.tensor([[[4, 8]]]).expand(2, 1, 2)
        alone = network.following(y[:, :stop], seasons, ahead)
    first = checked.quantiles[:, 0]
    torch.testing.assert_close(first, alone.quantiles[:, 0], rtol=0.02, atol=0.02)
    truth = (y[:, [stop + 3, stop + 7]] - y[:, [stop - 1]]) / alone.question.unit[:, 0]
    torch.testing.assert_close(checked.truth[:, 0], truth.float(), rtol=1e-3, atol=1e-3)


def test_what_was_missed_is_in_the_units_of_the_series():
    found = made_checks()
    found.weight[1, 2] = 0
    lesson = c.learn(found)
    missed = c.missed(found, lesson)
    middle = c.mixed(found.quantiles, found.anchors, lesson.shares)[..., SIDE]
    for b, o, j in np.ndindex(4, 6, 2):
        error = float(missed.error[b, o, j])
        if found.known[b, o, j] and found.weight[b, o] > 0:
            wanted = (found.truth - middle)[b, o, j] * found.unit[b, o, 0]
            assert error == pytest.approx(float(wanted), rel=1e-6)
        else:
            assert np.isnan(error)
    assert torch.equal(missed.origin, found.origin)
    assert torch.equal(missed.ahead, found.ahead)


def test_errors_that_are_larger_than_foretold_widen_and_smaller_ones_narrow():
    found = made_checks(origins=24)._replace(known=torch.ones(4, 24, 2, dtype=torch.bool))
    size = torch.tensor([0.1, 10.0])[torch.arange(4) % 2][:, None, None]
    lesson = c.learn(
        found._replace(
            truth=found.quantiles[..., SIDE] + size, weight=torch.ones(4, 24), drift=c.DRIFT
        )
    )
    assert (lesson.outer[::2] < 1).all()
    assert (lesson.outer[1::2] > 1).all()


def test_quantiles_do_not_cross_after_any_lesson():
    y, seasons = windows(100)
    network, ahead = shipped("single"), torch.arange(1, 13).expand(3, 1, 12)
    lesson = c.Lesson(torch.full((3, 7), 0.07), torch.full((3,), 0.5), torch.full((3,), 4.0))
    with torch.no_grad():
        after = lesson.corrected(network.following(y, seasons, ahead))
    assert (after.quantiles.diff(dim=-1) >= 0).all()
