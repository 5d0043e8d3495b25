"""Calibration, counts, samples and distributions, against distributions that are known."""

import numpy as np
import pytest
from tests.forecast.conftest import make_panel, make_table, seasonal_series

from carrousel import Forecaster
from carrousel.forecast import QUANTILES
from carrousel.forecast.intervals.calibration import (
    LEVELS,
    calibrated,
    calibration,
    counts,
    finished,
)
from carrousel.forecast.intervals.sampling import (
    Z,
    error_correlation,
    negative_binomial,
    parameters,
    sample_paths,
    student_t,
    t_quantile,
)

NORMAL = np.array(Z)  # quantiles of a standard normal


def normals(*shape, scale=1.0, mean=0.0):
    return np.broadcast_to(mean + scale * NORMAL, (*shape, len(NORMAL))).copy()


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_calibration_finds_by_how_much_intervals_are_off(factor):
    y = np.random.default_rng(0).standard_normal((20, 50, 10))
    found = calibration(y, normals(20, 50, 10, scale=1 / factor))
    np.testing.assert_allclose(found, factor, rtol=0.06)


def test_calibrated_intervals_hold_their_share_of_skewed_errors():
    rng = np.random.default_rng(1)
    old, new = rng.exponential(size=(2, 1, 40, 50))
    quantiles = normals(1, 40, 50)  # wrong in center, width and form
    factors = calibration(old, quantiles)
    fixed = calibrated(quantiles, factors)
    assert (np.diff(fixed, axis=-1) >= 0).all()
    for k, level in enumerate(LEVELS, start=1):
        inside = (new >= fixed[..., 5 - k]) & (new <= fixed[..., 5 + k])
        assert inside.mean() == pytest.approx(level, abs=0.03)


def test_calibration_at_the_edges():
    few = calibration(np.array([0.3, np.nan]), normals(2))
    assert all(np.isfinite(few))
    certain = calibration(np.array([1.0, 1.0]), np.ones((2, len(NORMAL))))  # no width, no error
    np.testing.assert_array_equal(calibrated(np.ones((1, len(NORMAL))), certain), 1.0)
    with pytest.raises(ValueError, match="all are missing"):
        calibration(np.array([np.nan]), normals(1))


def test_what_can_be_counts():
    assert counts(np.array([0, np.nan, 4]))
    assert counts(np.array([0.0, 2.5, 0.0]))
    assert not counts(np.array([0.5, 2.5]))
    assert not counts(np.array([3, -1]))
    assert not counts(np.array([np.nan]))


@pytest.mark.parametrize(
    ("wanted", "cut"), [(None, [True, False]), (True, [True, True]), (False, [False, False])]
)
def test_cut_at_zero(wanted, cut):
    panel = make_panel([np.array([1, 0, 2, -5]), np.array([1.5, 2, 3, 4])])
    quantiles = normals(1, 2, 3)
    found = finished(quantiles, panel, [1], None, wanted)  # the -5 is not known yet
    assert [(found[0, s] >= 0).all() for s in range(2)] == cut
    np.testing.assert_array_equal(found[found >= 0], np.maximum(quantiles, 0)[found >= 0])
    assert (quantiles < 0).any()  # the input is left as it was


@pytest.mark.parametrize("rho", [0.0, 0.7, 0.95])
def test_paths_have_the_quantiles_and_the_correlation_that_were_asked(rho):
    paths = sample_paths(normals(1, 12, scale=2.0, mean=5.0), 20_000, rho, "quantiles", 0)[0]
    assert paths.shape == (20_000, 12)
    np.testing.assert_allclose(paths.mean(0), 5, atol=0.08)
    np.testing.assert_allclose(paths.std(0), 2, rtol=0.04)
    found = np.corrcoef(paths.T)
    np.testing.assert_allclose(found[0, 1:4], rho ** np.arange(1, 4), atol=0.03)


def test_error_correlation_of_known_errors():
    z = sample_paths(normals(1, 30), 500, 0.6, "quantiles", 3)[0]
    quantiles = normals(500, 30)
    assert error_correlation(z, quantiles) == pytest.approx(0.6, abs=0.05)
    assert error_correlation(np.full((3, 4), np.nan), normals(3, 4)) == 0.0


@pytest.mark.parametrize(("df", "expected"), [(1, 12.706), (5, 2.571), (30, 2.042), (1000, 1.962)])
def test_quantiles_of_student_t(df, expected):
    assert t_quantile(0.975, df) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("df", [2, 4, 10])
def test_student_t_is_found_again(df):
    reach = np.array([t_quantile(p, df) if p > 0.5 else 0.0 for p in QUANTILES[5:]])
    quantiles = 3 + 2 * np.concatenate([-reach[:0:-1], reach])
    found = student_t(quantiles)
    assert found["loc"] == 3
    assert found["scale"] == pytest.approx(2, rel=0.02)
    assert found["df"] == pytest.approx(df, rel=0.1)
    paths = sample_paths(quantiles[None, None], 50_000, 0.0, "student_t", 0)
    np.testing.assert_allclose(
        np.quantile(paths, QUANTILES[1:-1]), quantiles[1:-1], atol=0.15 * reach[-1]
    )


@pytest.mark.parametrize(("mean", "shape"), [(3.0, 2.0), (40.0, 5.0), (900.0, 10.0), (8.0, np.inf)])
def test_negative_binomial_is_found_again(mean, shape):
    rng = np.random.default_rng(0)
    rate = mean if np.isinf(shape) else rng.gamma(shape, mean / shape, 400_000)
    drawn = rng.poisson(rate, 400_000)
    quantiles = np.quantile(drawn, QUANTILES)
    found = negative_binomial(quantiles)
    assert found["mean"] == pytest.approx(mean, rel=0.12)
    paths = sample_paths(quantiles[None, None], 20_000, 0.0, "negative_binomial", 0)
    assert (paths == np.round(paths)).all()
    assert (paths >= 0).all()
    assert paths.mean() == pytest.approx(drawn.mean(), rel=0.12)
    assert paths.std() == pytest.approx(drawn.std(), rel=0.2)


def test_nothing_but_zeros():
    quantiles = np.zeros((1, 2, len(QUANTILES)))
    for family in ("quantiles", "student_t", "negative_binomial"):
        np.testing.assert_allclose(sample_paths(quantiles, 5, 0.5, family, 0), 0, atol=1e-20)


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    table = make_table([rng.poisson(2, 24 * 8), seasonal_series(24 * 8)])
    return Forecaster(5, max_steps=5, ensemble=1).fit(table)


def test_the_facade(fitted):
    table = fitted.predict(level=[99])
    assert (table["carrousel-lo-99"][:5] >= 0).all()
    paths = fitted.sample(n=7, seed=1)
    assert paths.columns == ["unique_id", "ds", "sample", "carrousel"]
    assert paths.shape == (2 * 7 * 5, 4)
    assert paths["ds"][:5].to_list() == table["ds"][:5].to_list()
    assert paths["sample"].to_list()[:6] == [0] * 5 + [1]
    assert (paths["carrousel"][: 7 * 5] >= 0).all()
    assert paths.equals(fitted.sample(n=7, seed=1))
    assert not paths.equals(fitted.sample(n=7, seed=2))
    found = fitted.distribution(family="negative_binomial")
    assert found.columns == ["unique_id", "ds", "carrousel-mean", "carrousel-shape"]


def test_calibration_changes_the_intervals_only_and_is_saved(tmp_path):
    table = make_table([seasonal_series(24 * 8, seed=s) for s in range(2)])
    forecaster = Forecaster(6, max_steps=5, ensemble=1, nonnegative=False).fit(table)
    before = forecaster.predict()
    forecaster.calibrate(windows=3)
    after = forecaster.predict()
    assert after["carrousel"].equals(before["carrousel"])
    assert not after["carrousel-lo-95"].equals(before["carrousel-lo-95"])
    forecaster.save(tmp_path / "model")
    again = Forecaster.load(tmp_path / "model")
    assert again.predict().equals(after)
    with pytest.raises(ValueError, match="remembers too little"):
        again.calibrate()
    same = Forecaster(6, max_steps=5, ensemble=1, conformal=3, nonnegative=False).fit(table)
    assert same.predict().equals(after)
    assert same.fit(table).calibration_ == forecaster.calibration_


def test_errors_name_the_argument(fitted):
    with pytest.raises(ValueError, match="distribution must be one of 'quantiles', 'student_t'"):
        fitted.sample(distribution="gamma")
    with pytest.raises(ValueError, match="n must be a whole number of at least 1"):
        fitted.sample(n=0)
    with pytest.raises(ValueError, match="family must be one of 'student_t'"):
        fitted.distribution(family="quantiles")
    with pytest.raises(ValueError, match="calibration on 99 windows needs"):
        fitted.calibrate(windows=99)
    with pytest.raises(TypeError, match="nonnegative must be True, False or None"):
        Forecaster(3, nonnegative="yes")
    with pytest.raises(ValueError, match="conformal must be at least 1"):
        Forecaster(3, conformal=0)
    assert set(parameters(normals(1, 1), "student_t")) == {"loc", "scale", "df"}
