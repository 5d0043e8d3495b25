"""Temperatures against a search by scipy's idea of a minimum: a fine grid."""

import numpy as np
import pytest
import torch

from carrousel.sequence.calibration import best_temperature, expected_calibration_error


@pytest.mark.parametrize("true", [0.3, 1.0, 4.0])
def test_the_temperature_that_made_the_labels_is_found(true):
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(4000, 3, generator=generator, dtype=torch.float64) * 2
    targets = torch.multinomial((scores / true).softmax(1), 1, generator=generator)[:, 0]
    assert best_temperature([(scores[None], targets)]) == pytest.approx(true, rel=0.1)


def test_the_temperature_is_the_best_of_a_grid():
    generator = torch.Generator().manual_seed(1)
    scores = torch.randn(3, 50, 4, generator=generator) * 5
    targets = torch.randint(4, (50,), generator=generator)

    def cost(temperature):
        chances = (scores.double() / temperature).softmax(-1).mean(0)
        loss = -chances[torch.arange(50), targets].log().sum()
        return float(loss) + np.log(temperature) ** 2

    grid = np.geomspace(0.05, 20, 4001)
    best = grid[np.argmin([cost(one) for one in grid])]
    assert best_temperature([(scores, targets)]) == pytest.approx(best, rel=2e-3)


def test_the_error_is_the_mean_gap_over_the_bins():
    chances, right = np.array([0.95, 0.97, 0.5, 1.0]), np.array([True, False, True, True])
    # two bins: (0.95, 0.97, 1.0) with two of three right, and 0.5 that was right
    wanted = abs(0.95 + 0.97 + 1.0 - 2) / 4 + abs(0.5 - 1) / 4
    assert expected_calibration_error(chances, right) == pytest.approx(wanted)
    assert np.isnan(expected_calibration_error(np.array([]), np.array([])))
