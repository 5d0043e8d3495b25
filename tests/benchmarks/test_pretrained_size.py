"""The benchmark of the pretrained network's size."""

import pytest
from benchmarks.pretrained_size import Alone, study_of
from tests.forecast.conftest import make_panel, seasonal_series

from carrousel.forecast.pretrained.storage import shipped
from carrousel.forecast.pretrained.training import STUDIES
from carrousel.forecast.pretrained.zero_shot import ZeroShot


def test_the_whole_study_is_that_of_the_network_that_ships():
    assert study_of(160, 2, 1.0) == STUDIES["single"]
    small = study_of(40, 1, 0.1)
    assert (small.shape.hidden, small.shape.layers, small.shape.decoder) == (40, 1, 80)
    assert [b.windows for b in small.buckets] == [205, 102, 77, 64]


def test_alone_it_is_the_network_without_what_stands_around_it():
    network, panel = shipped("single"), make_panel([seasonal_series(40, 4, seed=1)], "3mo")
    alone, whole = (
        kind((4,), network).window_quantiles(panel, [0], 8) for kind in (Alone, ZeroShot)
    )
    assert alone.shape == whole.shape == (1, 1, 8, 11)
    assert abs(alone - whole).max() > 0.01
    assert alone.mean() == pytest.approx(whole.mean(), rel=0.1)
