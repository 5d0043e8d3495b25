"""Matrices in a byte a number: nothing more is lost than the rounding that was asked for."""

from fractions import Fraction

import numpy as np
import pytest

from carrousel.storage.int8_rows import MOST, joined, rounded, split


def matrix(scale: float, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(40, 33)) * scale
    drawn[3] = 0
    drawn[4, 1:] = 0
    return drawn.astype(np.float32)


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 0.1, 1.0, 1e20])
def test_what_was_rounded_is_taken_apart_and_joined_without_loss(scale: float):
    found = rounded(matrix(scale))
    multiples, steps = split(found)
    assert (multiples.dtype, steps.dtype) == (np.int8, np.float32)
    np.testing.assert_array_equal(joined(multiples, steps), found)
    np.testing.assert_array_equal(rounded(found), found)


def test_rounding_moves_a_number_by_half_a_step_at_most():
    before = matrix(1.0)
    moved = np.abs(rounded(before) - before)
    largest = np.abs(before).max(1, keepdims=True)
    assert (moved <= largest * (0.5 / MOST + 1e-3)).all()


def test_products_are_exact_in_float32():
    """Else torch, numpy and a browser might round them differently."""
    multiples, steps = split(rounded(matrix(0.3)))
    products = joined(multiples, steps)
    for row, step, product in zip(multiples[:5], steps, products, strict=False):
        exact = [Fraction(int(k)) * Fraction(float(step)) for k in row]
        assert exact == [Fraction(float(one)) for one in product]


@pytest.mark.parametrize(
    "other",
    [
        matrix(1.0),
        np.float32([1.0, 2.0]),
        np.zeros((0, 3), np.float32),
        np.float32([[1.0, np.nan]]),
        np.float32([[np.inf, 1.0]]),
        np.array([[1.0, 1.0 + 2**-40]]),
    ],
    ids=["any numbers", "a row", "nothing", "not a number", "infinite", "more than float32"],
)
def test_what_is_no_such_matrix_is_left_alone(other: np.ndarray):
    assert split(other) is None
