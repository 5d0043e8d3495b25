"""What the pretrained network is shown and asked, against plain loops; what its forecasts obey."""

import numpy as np
import pytest
import torch

from carrousel.forecast.pretrained.history import history, squashed
from carrousel.forecast.pretrained.network import Network, Shape
from carrousel.forecast.pretrained.query import PAST, WEEKS, ask
from carrousel.forecast.pretrained.storage import shipped
from carrousel.forecast.synthetic.augmentations import holed
from carrousel.forecast.synthetic.draw import Draw
from carrousel.forecast.synthetic.mixture import made_up


@pytest.fixture(scope="module")
def series():
    generator = torch.Generator().manual_seed(1)
    y, seasons = made_up(64, 300, generator)
    return holed(y, Draw(generator)).double(), torch.stack([seasons.first, seasons.second], 1)


def test_nothing_after_a_step_changes_what_is_shown_or_asked_there(series):
    y, seasons = series
    t = 200
    later = y.clone()
    later[:, t + 1 :] = torch.nan
    whole, cut = history(y, seasons), history(later, seasons)
    torch.testing.assert_close(
        whole.features[:, : t + 1], cut.features[:, : t + 1], atol=5e-3, rtol=0
    )  # their bases differ: float32 rounds apart
    origin = torch.full((len(y), 2), t)
    ahead = torch.randint(1, 60, (len(y), 2, 7), generator=torch.Generator().manual_seed(0))
    ours, theirs = ask(whole, origin, ahead), ask(cut, origin, ahead)
    torch.testing.assert_close(ours.numbers, theirs.numbers, atol=1e-3, rtol=0)
    torch.testing.assert_close(ours.anchors, theirs.anchors, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (4, 1), (7, 52), (24, 168)])
def test_a_question_reads_the_same_phase_of_past_seasons(first, second):
    n = 800
    y = torch.arange(n).double()[None]  # a value says where it was read
    past = history(y, torch.tensor([[first, second]]))
    t = 700
    ahead = torch.tensor([[[1, 3, first, first + 1, 3 * first]]])
    question = ask(past, torch.tensor([[t]]), ahead)
    unit = past.unit[0, t]
    same = question.numbers[0, 0, :, :PAST].sinh() * unit + t
    week = question.numbers[0, 0, :, PAST + 2 : PAST + 2 + WEEKS].sinh() * unit + t
    for row, j in enumerate(ahead[0, 0].tolist()):
        back = -(-j // first) * first
        expected = [t + j - back - k * first for k in range(PAST)]
        np.testing.assert_allclose(same[row], expected, atol=0.05)
        if second > 1:
            back = -(-j // second) * second
            expected = [t + j - back - k * second for k in range(WEEKS)]
            np.testing.assert_allclose(week[row], expected, atol=0.2)


@pytest.mark.parametrize("name", ["single", "fours"])
def test_quantiles_do_not_cross_whatever_the_window(name, series):
    network = shipped(name)
    y, seasons = series
    ahead = torch.arange(1, 41).expand(len(y), 1, 40)
    with torch.no_grad():
        q = network.following(y, seasons, ahead).absolute()
    assert q.shape == (64, 1, 40, 11)
    assert q.isfinite().all()
    assert (q.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("factor", [1e-6, 3.7, 1e6])
def test_units_do_not_matter(series, factor):
    y, seasons = series
    y = y + 0.1234567 * y.nan_to_num().std(1, keepdim=True)  # no whole numbers, which are special
    ahead = torch.arange(1, 13).expand(len(y), 1, 12)
    network = shipped("single")
    with torch.no_grad():
        ours = network.following(y, seasons, ahead).absolute() * factor
        theirs = network.following(y * factor, seasons, ahead).absolute()
    scale = (ours[..., -1:] - ours[..., :1]).abs() + 1e-6 * ours.abs()
    assert ((ours - theirs).abs() / scale).median() < 1e-3


def test_a_network_learns_with_gradients_in_all_of_its_parameters():
    network = Network(Shape(4, 32, 8, 1, 16, 1), torch.nn.LSTM)
    y = torch.randn(3, 40, generator=torch.Generator().manual_seed(0))
    origin, ahead = torch.tensor([[11, 39]] * 3), torch.ones(3, 2, 5, dtype=torch.long)
    answer = network(y, torch.tensor([[24, 168]] * 3), origin, ahead)
    answer.quantiles.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize(("patch", "read"), [(0, 8), (4, 2), (4, 10)])
def test_a_shape_that_cannot_be_is_refused(patch, read):
    with pytest.raises(ValueError, match="read must be a multiple of patch"):
        Shape(patch, read)


@pytest.mark.parametrize("name", ["single", "fours"])
@pytest.mark.parametrize("before", [8, 400])
def test_padding_that_is_left_out_changes_nothing(name, before, series):
    network = shipped(name)
    y, seasons = series
    ahead = torch.arange(1, 20).expand(len(y), 1, 19)
    padded = torch.cat([torch.full((len(y), before), torch.nan), y], 1)
    with torch.no_grad():
        whole = network.following(padded, seasons, ahead).quantiles
        cut = network.following(y, seasons, ahead, before).quantiles
    torch.testing.assert_close(whole, cut, atol=1e-4, rtol=1e-5)


def test_squashing_is_the_inverse_of_sinh():
    x = torch.tensor([0.0, 1e-9, -1e-3, 0.5, -2.0, 1e3, -1e18, 1e30])
    torch.testing.assert_close(squashed(x), torch.asinh(x.double()).float(), atol=2e-7, rtol=2e-7)
