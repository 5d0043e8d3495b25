"""Metrics against their formulas, written out for single numbers."""

import numpy as np
import pytest

from carrousel.forecast.evaluation import metrics

rng = np.random.default_rng(0)
Y, F, LOW, HIGH = rng.normal(5, 3, (4, 6, 7))
LOW, HIGH = np.minimum(LOW, HIGH), np.maximum(LOW, HIGH)
SCALE = rng.uniform(1, 2, 6)


def slow(point):
    """Mean over the horizon of point(s, t), in plain Python."""
    return [np.mean([point(s, t) for t in range(7)]) for s in range(6)]


def test_smape():
    def point(s, t):
        return 200 * abs(Y[s, t] - F[s, t]) / (abs(Y[s, t]) + abs(F[s, t]))

    np.testing.assert_allclose(metrics.smape(Y, F), slow(point))


def test_mase():
    expected = slow(lambda s, t: abs(Y[s, t] - F[s, t]) / SCALE[s])
    np.testing.assert_allclose(metrics.mase(Y, F, SCALE), expected)


def test_coverage():
    expected = slow(lambda s, t: float(LOW[s, t] <= Y[s, t] <= HIGH[s, t]))
    np.testing.assert_allclose(metrics.coverage(Y, LOW, HIGH), expected)


@pytest.mark.parametrize("level", [80, 95])
def test_msis(level):
    def point(s, t):
        y, low, high = Y[s, t], LOW[s, t], HIGH[s, t]
        penalty = 2 / (1 - level / 100)
        score = high - low
        score += penalty * (low - y) if y < low else 0
        score += penalty * (y - high) if y > high else 0
        return score / SCALE[s]

    np.testing.assert_allclose(metrics.msis(Y, LOW, HIGH, SCALE, level), slow(point))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_pinball(p):
    def point(s, t):
        e = Y[s, t] - F[s, t]
        return p * e if e > 0 else (p - 1) * e

    np.testing.assert_allclose(metrics.pinball(Y, F, p), slow(point))


def test_crps_is_the_mean_quantile_loss_of_nine_deciles():
    """As GluonTS and GIFT-Eval write it: 2 |(y - q) (1[y <= q] - p)|, over sum |y|."""
    deciles = [F + 2 * (p - 0.5) for p in metrics.DECILES]
    losses = [
        2 * np.abs((Y - q) * ((q >= Y) - p)).sum(1)
        for q, p in zip(deciles, metrics.DECILES, strict=True)
    ]
    found = metrics.crps(Y, deciles) / metrics.mean_size(Y)
    np.testing.assert_allclose(found, np.mean(losses, 0) / np.abs(Y).sum(1))


def test_crps_of_a_point_forecast_is_its_relative_error():
    found = metrics.crps(Y, [F] * 9) / metrics.mean_size(Y)
    np.testing.assert_allclose(found, np.abs(Y - F).sum(1) / np.abs(Y).sum(1))


@pytest.mark.parametrize("metric", metrics.all_metrics([80, 99.5]), ids=lambda metric: metric.name)
def test_a_perfect_forecast_has_the_best_score(metric):
    perfect = metric.measure(Y, lambda p: Y, SCALE)
    np.testing.assert_array_equal(perfect, 0.0 if metric.level is None else 1.0)
    worse = metric.measure(Y, lambda p: Y + 1.0, SCALE)
    assert (worse > 0 if metric.level is None else worse == 0).all()


def test_the_scale_of_mase_by_hand():
    y = np.array([1.0, 5.0, 2.0, 9.0, np.nan, 9.0])
    assert metrics.seasonal_scale(y, 2) == pytest.approx((1 + 4 + 0) / 3)
    assert np.isnan(metrics.seasonal_scale(y[:2], 2))


def test_missing_values_count_for_nothing():
    y = Y.copy()
    y[0, 3:] = np.nan
    y[1] = np.nan
    expected = metrics.smape(Y[:1, :3], F[:1, :3])[0]
    assert metrics.smape(y, F)[0] == pytest.approx(expected)
    assert np.isnan(metrics.coverage(y, LOW, HIGH)[1])


def test_edges_are_numbers_or_nan_never_infinite():
    zero = np.zeros((1, 3))
    assert metrics.smape(zero, zero)[0] == 0
    assert np.isnan(metrics.mase(zero, zero, np.array([0.0]))[0])
