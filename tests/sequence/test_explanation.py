"""Explanations: what they add up to, and that they name what the answer was made from."""

import numpy as np
import pytest

from carrousel import SequenceClassifier
from carrousel.sequence import SequenceRegressor, SequenceTagger

from .toy import ALONE, QUICK, waves

OPTIONS = {**ALONE, "epochs": 30, "learning_rate": 0.02, "ensemble": 2}


def spikes(count: int = 60, seed: int = 0) -> tuple[list[np.ndarray], list[str], list[int]]:
    """One large step among small ones; its sign is the label."""
    noise = np.random.default_rng(seed)
    X, y, where = [], [], []
    for k in range(count):
        x = noise.normal(0, 0.1, (6 + k % 5, 1))
        at = int(noise.integers(0, len(x)))
        x[at] = 4 if k % 2 else -4
        X.append(x)
        y.append("up" if k % 2 else "down")
        where.append(at)
    return X, y, where


@pytest.fixture(scope="module")
def fitted():
    X, y, _ = spikes()
    return SequenceClassifier(**{**OPTIONS, "bidirectional": False}).fit(X, y)


def test_the_step_that_decides_is_named(fitted):
    X, y, where = spikes(seed=1)
    named = decided = 0
    for x, label, at in zip(X[:6], y, where, strict=False):
        found = fitted.explain(x)
        assert found.answer == label
        named += int(np.argmax(found.scores["removed"])) == at
        decided += found.decided <= at
        assert len(found.steps) == len(x)
        np.testing.assert_allclose(found.after[-1], fitted.predict_proba([x])[0], rtol=1e-4)
    assert named >= 5
    assert decided >= 5  # at the latest with the step that decides, earlier by a lucky guess


def test_the_account_adds_up(fitted):
    X, *_ = spikes(seed=2)
    found = fitted.explain(X[0])
    assert found.scores["memory"].sum() + found.beside == pytest.approx(found.believed, rel=1e-3)
    assert {"removed", "memory", "random", "recency"} <= set(found.fidelity.scores)
    scores = found.fidelity.scores
    assert scores["removed"].comprehensiveness > scores["random"].comprehensiveness
    assert len(found.plot().axes) == 3
    assert found.summary()["answer"] == found.answer


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("convolution", [False, True])
def test_beginnings_are_what_predict_says_of_them(bidirectional, convolution):
    X, y = waves(16)
    options = {**ALONE, "epochs": 1, "bidirectional": bidirectional, "convolution": convolution}
    model = SequenceClassifier(**options).fit(X, y)
    found = model.explain(X[5])
    wanted = model.predict_proba([X[5][: k + 1] for k in range(len(X[5]))])
    np.testing.assert_allclose(found.after, wanted, rtol=1e-4, atol=1e-6)


def test_another_answer_may_be_asked_for(fitted):
    X, *_ = spikes()
    up, down = (fitted.explain(X[0], answer) for answer in ("up", "down"))
    assert up.believed == pytest.approx(-down.believed, rel=1e-4)
    with pytest.raises(ValueError, match="answer must be one of 'down', 'up', got 'left'"):
        fitted.explain(X[0], "left")


def test_words_missing_numbers_tags_and_numbers_are_explained():
    texts, feelings = ["a good film", "a bad film", "so good", "so bad"] * 6, ["+", "-"] * 12
    model = SequenceClassifier(**{**OPTIONS, "embedding_size": 6}).fit(texts, feelings)
    found = model.explain("a good film")
    assert [step.strip() for step in found.steps] == ["a", "good", "film"]
    assert int(np.argmax(found.scores["removed"])) == 1
    assert len(found.plot().axes) == 2
    X, y = waves(16)
    X[0][1] = np.nan
    model = SequenceClassifier(**{**ALONE, "epochs": 2}).fit(X, y)
    assert np.isfinite(model.explain(X[0]).scores["removed"]).all()
    tags = [[label] * len(x) for x, label in zip(X, y, strict=True)]
    tagger = SequenceTagger(**{**QUICK, "epochs": 2}).fit(X, tags)
    assert len(tagger.explain(X[3], step=1).scores["removed"]) == len(X[3])
    with pytest.raises(ValueError, match="step must be one of"):
        tagger.explain(X[3], step=100)
    regressor = SequenceRegressor(**{**ALONE, "epochs": 2}).fit(X, np.arange(16.0))
    assert regressor.explain(X[3]).believed == pytest.approx(regressor.predict([X[3]])[0], rel=1e-4)


def test_one_step_and_a_cell_without_memory():
    X, y = waves(16)
    model = SequenceClassifier(**{**ALONE, "epochs": 1, "cell": "rnn"}).fit(X, y)
    found = model.explain(X[0][:1])
    assert set(found.scores) == {"removed"}
    assert found.fidelity is None
    assert found.decided == 0
    found.plot()


def test_long_sequences_are_asked_in_parts(fitted):
    x = np.random.default_rng(0).normal(size=(700, 1))
    found = fitted.explain(x)
    assert found.window == 11
    assert found.fidelity is None
    assert len(found.stops) == 120
    assert found.stops[-1] == 699
