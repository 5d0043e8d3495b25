"""Numbers for sequences, labels for steps, learning on, and streams."""

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score

from carrousel import SequenceClassifier
from carrousel.sequence import SequenceRegressor, SequenceTagger
from carrousel.sequence.layers.pooling import POOLINGS
from carrousel.sequence.tagger import Tagging

from .toy import ALONE, QUICK, waves


def means(count: int = 60, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    X, _ = waves(count, seed=seed)
    return X, np.array([1e6 + 1e3 * x[:, 0].mean() for x in X])


def signs(count: int = 40, seed: int = 0) -> tuple[list[np.ndarray], list[list[str]]]:
    noise = np.random.default_rng(seed)
    X = [noise.normal(size=(4 + k % 5, 1)) for k in range(count)]
    return X, [["+" if v > 0 else "-" for v in x[:, 0]] for x in X]


def test_numbers_on_any_scale_are_learned(tmp_path):
    X, y = means()
    model = SequenceRegressor(**{**QUICK, "epochs": 40}).fit(X, y)
    X, y = means(seed=1)
    assert model.score(X, y) > 0.8
    assert model.score(X, y) == pytest.approx(r2_score(y, model.predict(X)))
    model.save(tmp_path)
    again = SequenceRegressor.load(tmp_path)
    assert (again.predict(X) == model.predict(X)).all()
    assert model.report_["held_out"] == 6


def test_several_numbers_at_once():
    X, y = means()
    both = np.stack([y, -y], 1)
    model = SequenceRegressor(**ALONE).fit(X, both)
    assert model.predict(X).shape == both.shape
    assert model.score(X, both) == pytest.approx(r2_score(both, model.predict(X)))
    with pytest.raises(ValueError, match="y must have 2 numbers for each sequence, got 1"):
        model.fit(X, both, validation=(X, y))


@pytest.mark.parametrize(
    ("y", "why"),
    [
        ([1.0, np.nan] * 4, r"y\[1\] must be finite"),
        (["a"] * 8, "y must hold numbers"),
        ([1.0], "a number for each of 8 sequences, got 1"),
        (np.zeros((8, 1, 1)), "must be \\(n,\\) or"),
    ],
)
def test_what_holds_no_numbers_is_refused(y, why):
    with pytest.raises(ValueError, match=why):
        SequenceRegressor(**ALONE).fit(waves(8)[0], y)


def test_targets_that_are_all_the_same_are_foretold():
    X, _ = waves(20)
    model = SequenceRegressor(**ALONE).fit(X, [5.0] * 20)
    np.testing.assert_allclose(model.predict(X), 5, atol=0.5)


def test_steps_are_tagged(tmp_path):
    X, y = signs()
    model = SequenceTagger(**{**QUICK, "epochs": 40, "learning_rate": 0.02}).fit(X, y)
    X, y = signs(seed=1)
    assert model.score(X, y) > 0.9
    said, chances = model.predict(X), model.predict_proba(X)
    assert [len(tags) for tags in said] == [len(x) for x in X]
    assert all(np.allclose(one.sum(1), 1) for one in chances)
    truth, flat = np.concatenate(y), np.concatenate(said)
    assert model.score(X, y) == pytest.approx((truth == flat).mean())
    assert model.classes_.tolist() == ["+", "-"]
    model.save(tmp_path)
    again = SequenceTagger.load(tmp_path)
    assert all((a == b).all() for a, b in zip(again.predict_proba(X), chances, strict=True))
    # a label that was never learned is a mistake
    y[0] = ["?", *y[0][1:]]
    assert model.score(X, y) <= (truth == flat).mean()


def test_several_things_at_once(tmp_path):
    X, y = signs()
    both = [
        np.stack([[t == "+" for t in tags], [t == "-" for t in tags]], 1).astype(int) for tags in y
    ]
    model = SequenceTagger(**{**QUICK, "epochs": 40, "learning_rate": 0.02}).fit(X, both)
    said = model.predict(X)
    assert [one.shape for one in said] == [one.shape for one in both]
    a, b = np.concatenate(said), np.concatenate(both)
    assert model.score(X, both) == pytest.approx((a & b).sum() / (a | b).sum())
    assert model.score(X, both) > 0.8
    model.save(tmp_path)
    assert SequenceTagger.load(tmp_path).classes_.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("y", "why"),
    [
        ([["+"]] * 8, r"y\[0\] must have a label for each of 3 steps, got 1"),
        (["+-+"] * 8, r"y\[0\] must be a list of labels"),
        ([["+"] * 3], "labels for each of 8 sequences, got 1"),
        ([np.full((3 + k % 6, 2), 2) for k in range(8)], "must hold 0 and 1 only"),
        ([["+"] * (3 + k % 6) for k in range(8)], "only one class"),
        ([[None] * (3 + k % 6) for k in range(8)], r"y\[0\]\[0\] must be a label"),
    ],
)
def test_what_holds_no_tags_is_refused(y, why):
    with pytest.raises((TypeError, ValueError), match=why):
        SequenceTagger(**QUICK).fit(waves(8)[0], y)


def test_learning_on_starts_where_learning_stopped(tmp_path):
    X, y = waves()
    first = SequenceClassifier(**ALONE).fit(X, y)
    first.save(tmp_path)
    for init in (first, tmp_path):
        model = SequenceClassifier(**ALONE).fit(X, y, init=init)
        assert model.runs_[0].steps < first.runs_[0].steps
        assert model.score(X, y) >= first.score(X, y) - 0.05
        scales = model.networks_[0].entry.mean, first.networks_[0].entry.mean
        assert torch.equal(*scales)
    with pytest.raises(ValueError, match=r"labels that were learned \('down', 'up'\), got 'new'"):
        SequenceClassifier(**ALONE).fit(X, ["new", *y[1:]], init=first)
    with pytest.raises(TypeError, match="init must be a SequenceTagger"):
        SequenceTagger(**QUICK).fit(X, [["a"]], init=first)


def test_sequences_that_come_in_portions():
    X, y = waves(80)
    model = SequenceClassifier(**{**QUICK, "epochs": None, "learning_rate": 0.05})
    model.partial_fit(X[::2], y[::2], classes=["down", "up", "later"])
    before = model.predict_proba(X)
    for _ in range(15):
        model.partial_fit(X, y)
    assert model.classes_.tolist() == ["down", "later", "up"]
    assert (model.predict_proba(X) != before).any()
    assert model.score(X, y) > 0.9


STREAMED = [{"pooling": kind, "convolution": k % 2 == 0} for k, kind in enumerate(POOLINGS)]


@pytest.mark.parametrize("options", STREAMED, ids=str)
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_stream_says_what_predict_says_of_each_beginning(options, cell):
    X, y = waves(16)
    options = {**QUICK, **options, "epochs": 2, "ensemble": 2, "bidirectional": False, "cell": cell}
    model = SequenceClassifier(**options).fit(X, y)
    x = np.concatenate(X[:3])
    wanted = model.predict_proba([x[: k + 1] for k in range(len(x))])
    for sizes in ([1] * len(x), [len(x)], [3, 1, len(x) - 4]):
        stream, found = model.stream(), []
        for part in np.split(x, np.cumsum(sizes)[:-1]):
            found.append(stream.update(part if len(part) > 1 else part[0]))
        assert stream.steps == len(x)
        np.testing.assert_allclose(np.concatenate(found), wanted, rtol=1e-4, atol=1e-5)


def test_streams_of_tags_and_numbers():
    X, y = signs()
    tagger = SequenceTagger(**{**QUICK, "bidirectional": False}).fit(X, y)
    stream = tagger.stream()
    found = np.concatenate([stream.update(v) for v in X[3]])
    np.testing.assert_allclose(found, tagger.predict_proba([X[3]])[0], rtol=1e-4)
    X, y = means()
    model = SequenceRegressor(**{**QUICK, "bidirectional": False}).fit(X, y)
    assert model.stream().update(X[0])[-1, 0] == pytest.approx(model.predict(X[:1])[0])


def test_of_long_sequences_parts_are_learned_from(monkeypatch):
    monkeypatch.setattr("carrousel.sequence.plan.LONGEST", 20)
    X, y = signs()
    X[0], y[0] = np.tile(X[0], (30, 1)), y[0] * 30
    rows, learned = [], Tagging.loss

    def watched(task, said, targets):
        rows.append(int(targets.lengths.max()))
        return learned(task, said, targets)

    monkeypatch.setattr(Tagging, "loss", watched)
    options = {**QUICK, "epochs": 20, "learning_rate": 0.02, "validation_fraction": 0}
    model = SequenceTagger(**options).fit(X, y)
    assert max(rows) == 20
    assert model.score(X, y) > 0.8
    assert len(model.predict(X)[0]) == len(X[0])
    assert "1 sequence of more than 20 steps" in model.plan_.reasons[1]
    label = SequenceClassifier(**ALONE).fit(X, ["a", "b"] * 20)
    assert len(label.plan_.reasons) == 2


def test_what_waits_for_the_end_cannot_stream():
    X, y = waves(16)
    model = SequenceClassifier(**{**QUICK, "epochs": 1}).fit(X, y)
    with pytest.raises(ValueError, match="fit with bidirectional=False"):
        model.stream()
