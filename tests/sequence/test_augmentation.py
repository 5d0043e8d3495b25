"""Series that might have been: parts of what was measured, forwards, as long, as missing."""

import numpy as np
import pytest
import torch

from carrousel import SequenceClassifier
from carrousel.sequence.inputs import augmentation
from carrousel.sequence.inputs.augmentation import CROPPED, varied
from carrousel.sequence.ragged import Ragged


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", range(4))
def test_it_runs_forwards_through_most_of_the_series(seed, monkeypatch):
    monkeypatch.setattr(augmentation, "NOISE", 0.0)
    ramps = [torch.arange(float(n))[:, None].double() for n in (50, 1, 7, 2)]
    found = varied(Ragged.of(ramps), drawn(seed))
    for ramp, part in zip(ramps, found.parts(), strict=True):
        assert len(part) == len(ramp)
        assert (part.diff(dim=0) > 0).all()
        span = len(ramp) - 1
        assert part[0] >= 0
        assert part[-1] <= span
        assert part[-1] - part[0] >= (1 - CROPPED) * span - 1e-9
    pace = next(iter(found.parts())).diff(dim=0)
    assert pace.max() > 1.02 * pace.min()  # uneven


def test_noise_is_a_share_of_each_channel_s_spread():
    rows = torch.tensor([3.0, -3.0]).repeat(2000)[:, None] * torch.tensor([1.0, 100.0, 0.0])
    added = augmentation._noise(Ragged.of([rows.double()]), drawn(0))
    np.testing.assert_allclose(added.std(0), augmentation.NOISE * np.array([3, 300, 0]), rtol=0.05)


def test_what_is_missing_stays_missing_and_spreads_no_further():
    rows = torch.arange(40.0)[:, None].double().repeat(1, 2)
    rows[10:20, 0] = torch.nan
    rows[:, 1] = torch.nan  # nothing of a channel is there
    found = varied(Ragged.of([rows]), drawn(1)).rows
    assert 5 <= int(found[:, 0].isnan().sum()) <= 15
    assert found[:, 1].isnan().all()


def test_it_is_the_callers_generator_that_draws():
    batch = Ragged.of([torch.randn(30, 2, generator=drawn(0)).double()])
    before = batch.rows.clone()
    assert torch.equal(varied(batch, drawn(3)).rows, varied(batch, drawn(3)).rows)
    assert not torch.equal(varied(batch, drawn(3)).rows, varied(batch, drawn(4)).rows)
    assert torch.equal(batch.rows, before)


def test_a_classifier_learns_from_what_is_varied(tmp_path):
    noise = np.random.default_rng(0)
    X = [noise.normal(k % 2, 0.3, (6 + k % 3, 1)) for k in range(24)]
    y = [k % 2 for k in range(24)]
    options = {"hidden_size": 4, "ensemble": 1, "epochs": 4, "companion": False}
    plain = SequenceClassifier(**options).fit(X, y, checkpoint=tmp_path)
    model = SequenceClassifier(**options, augment=True).fit(X, y)
    assert model.runs_[0].losses != plain.runs_[0].losses
    again = SequenceClassifier(**options, augment=True).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    model.save(tmp_path / "saved")
    assert SequenceClassifier.load(tmp_path / "saved").augment is True
    with pytest.raises(ValueError, match="belongs to a training on other data"):
        SequenceClassifier(**options, augment=True).fit(X, y, checkpoint=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("X", "augment", "why"),
    [(["a", "b"] * 4, True, "augment must be False for texts"),
     ([np.zeros((3, 1))] * 8, "yes", "augment must be True, False or None")],
    ids=["texts", "a word"],
)  # fmt: skip
def test_what_cannot_be_varied_is_refused(X, augment, why):
    model = SequenceClassifier(augment=augment, ensemble=1, epochs=1)
    with pytest.raises((ValueError, TypeError), match=why):
        model.fit(X, [0, 1] * 4)
