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


def bumps(count: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """A bump anywhere, or its rising half, as wide as it may be."""
    noise, X = np.random.default_rng(seed), []
    for k in range(count):
        t = np.linspace(0, 1, noise.integers(20, 40))
        at, width = noise.uniform(0.2, 0.8), noise.uniform(0.05, 0.15)
        bump = np.exp(-(((t - at) / width) ** 2))
        bump = np.where(t < at, 1.3 * bump, 0) if k % 2 else bump
        X.append((bump + noise.normal(0, 0.1, len(t)))[:, None])
    return X, np.arange(count) % 2


TRIED = {"hidden_size": 8, "ensemble": 2, "epochs": 4, "companion": False, "augment": None}


def test_what_is_held_out_says_whether_to_vary(tmp_path):
    X, y = bumps(40, 0)
    told = []
    model = SequenceClassifier(**TRIED).fit(
        X, y, progress=lambda name, _: told.append(name), checkpoint=tmp_path
    )
    assert {"network 1 of 2", "network 2 of 2, varied"} <= set(told)
    reason = model.plan_.reasons[-1]
    within, without = (float(word) for word in reason.split() if word[0].isdigit())
    assert reason.startswith("learned from variations" if within < without else "not varied")
    alone = [SequenceClassifier(**{**TRIED, "augment": way}).fit(X, y) for way in (False, True)]
    wanted = alone[within < without]
    np.testing.assert_array_equal(model.predict_proba(X), wanted.predict_proba(X))
    for one, nats in zip(alone, (without, within), strict=True):
        assert one.evaluate_held_out(y).log_loss == pytest.approx(nats, abs=1e-3)
    again = SequenceClassifier(**TRIED).fit(X, y, checkpoint=tmp_path, resume=True)
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))


def test_where_nothing_can_be_judged_nothing_is_varied():
    X, y = bumps(12, 0)
    everything = SequenceClassifier(**TRIED, validation_fraction=0).fit(X, y)
    texts = SequenceClassifier(**TRIED).fit(["good film", "so bad"] * 12, ["+", "-"] * 12)
    for model in (everything, texts):
        assert not any("vari" in reason for reason in model.plan_.reasons)
