"""Whose answer counts, and that a companion is kept, explained and refused like the networks."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from carrousel import SequenceClassifier
from carrousel.sequence import SequenceRegressor
from carrousel.sequence.calibration import expected_calibration_error
from carrousel.sequence.classifier import Classification
from carrousel.sequence.companion import convolutions
from carrousel.sequence.companion.companion import Companion, mixed

from ..toy import QUICK

UNTRAINED = {**QUICK, "epochs": 1, "learning_rate": 1e-9}


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setattr(convolutions, "WIDTHS", (672, 336))


def shapes(count: int = 60) -> tuple[list[np.ndarray], list[str]]:
    """Noise in which a wave is slow or fast."""
    noise = np.random.default_rng(0)
    X = []
    for k in range(count):
        t = np.arange(20 + k % 5) + noise.uniform(0, 9)
        X.append(np.sin(t * (2.0 if k % 2 else 0.7)) + noise.normal(0, 0.3, len(t)))
    return X, ["fast" if k % 2 else "slow" for k in range(count)]


def numbers_of(X: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    return X, 1e6 + 1e3 * np.array([np.abs(np.diff(x)).mean() for x in X])


@pytest.fixture(scope="module")
def model():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolutions, "WIDTHS", (672, 336))
        return SequenceClassifier(**UNTRAINED).fit(*shapes())


def test_who_knows_answers(model):
    X, y = shapes(80)
    assert model.score(X[60:], y[60:]) == 1
    assert model.report_["companion"]["share"] > 0.5
    assert model.report_["accuracy"] >= model.report_["networks"]["accuracy"]
    alone = SequenceClassifier(**UNTRAINED, companion=False).fit(X[:60], y[:60])
    assert alone.companion_ is None
    assert alone.score(X[60:], y[60:]) < 1


def test_labels_without_a_reason_give_no_one_certainty():
    X, _ = shapes()
    y = np.random.default_rng(1).integers(0, 2, 60)
    found = SequenceClassifier(**UNTRAINED).fit(X, y).predict_proba(shapes(80)[0][60:])
    assert abs(found - 0.5).mean() < 0.3


def test_numbers_are_answered_by_who_knows_them():
    X, y = numbers_of(shapes(120)[0])
    model = SequenceRegressor(**UNTRAINED).fit(X[:100], y[:100])
    assert model.score(X[100:], y[100:]) > 0.6


def test_texts_have_one_too():
    films = [f"a {k} {word} film" for k, word in enumerate(["good", "bad"] * 30)]
    model = SequenceClassifier(**UNTRAINED).fit(films, ["+", "-"] * 30)
    assert model.predict(["what a good idea", "so bad"]).tolist() == ["+", "-"]


def test_what_was_saved_answers_the_same(model, tmp_path):
    X, _ = shapes()
    model.save(tmp_path / "m")
    again = SequenceClassifier.load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def two_who_see_half_each(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scores of two, each as sure as it is right, and the truth; both together know more of it."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(2, (4000,), generator=generator)
    side = 2.0 * targets - 1
    seen = [side + 1.5 * torch.randn(4000, generator=generator) for _ in range(2)]
    one, other = (torch.stack([-x, x], 1).double() / 1.5**2 for x in seen)
    return one, other, targets


def test_both_together_are_as_sure_as_they_are_right():
    task = Classification()
    task.outputs = 2
    companion = Companion(SimpleNamespace(width=1), task)
    networks, own, targets = two_who_see_half_each(0)
    companion.join([(networks.softmax(1), targets)], [own])
    assert companion.temperature == pytest.approx(1, abs=0.1)
    networks, own, targets = (one.softmax(1) if one.ndim > 1 else one
                              for one in two_who_see_half_each(1))  # fmt: skip
    errors = []
    for said in (mixed(networks, own, companion.share), companion.together(networks, own)):
        best = said.max(1)
        right = (best.indices == targets).numpy()
        errors.append(expected_calibration_error(best.values.numpy(), right))
    assert errors[0] > 0.05
    assert errors[1] < 0.02


def test_numbers_of_both_are_their_mean():
    task = SequenceRegressor(**UNTRAINED).fit(*numbers_of(shapes()[0])).task_
    companion = Companion(SimpleNamespace(width=1), task)
    companion.share = 0.25
    said, own = torch.ones(3, 1), 5 * torch.ones(3, 1)
    assert companion.together(said, own).tolist() == [[2.0]] * 3


@pytest.mark.parametrize(
    "wrong", [{"share": 2.0}, {"temperature": 0.0}, {"joint": -1.0}, {"dilations": 0},
              {"thresholds": 10**12}, {"thresholds": "2"}, {"strange": 1}, {"share": None}],
    ids=lambda wrong: "-".join(wrong),
)  # fmt: skip
def test_a_file_that_says_nonsense_is_refused(model, tmp_path, wrong, monkeypatch):
    from carrousel.storage import model_directory

    model.save(tmp_path / "m")
    path = tmp_path / "m" / "model.json"
    data = json.loads(path.read_text())
    data["companion"] |= wrong
    monkeypatch.setattr(model_directory, "_digest", lambda content: content.get("digest"))
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="companion"):
        SequenceClassifier.load(tmp_path / "m")


def test_an_explanation_asks_both(model):
    X, _ = shapes()
    found = model.explain(X[0])
    chances = model.predict_proba(X[:1])[0]
    np.testing.assert_allclose(found.after[-1], chances)
    assert found.answer == model.predict(X[:1])[0]
    weak = SequenceClassifier(**UNTRAINED, companion=False).fit(*shapes()).explain(X[0])
    assert np.abs(found.scores["removed"]).max() > 3 * np.abs(weak.scores["removed"]).max()


def test_who_learns_on_keeps_it(model):
    X, y = shapes()
    later = SequenceClassifier(**UNTRAINED).fit(X[:20], y[:20], init=model)
    assert later.companion_ is model.companion_


def test_an_expensive_mistake_is_avoided_by_both():
    X, _ = shapes()
    y = np.random.default_rng(1).integers(0, 2, 60)
    model = SequenceClassifier(**UNTRAINED, class_weight={1: 50.0}, companion=True).fit(X, y)
    assert (model.predict(X) == 1).all()


def test_a_stream_has_none_and_says_so():
    X, y = shapes(40)
    one_way = SequenceClassifier(**UNTRAINED, bidirectional=False).fit(X, y)
    assert one_way.companion_ is None
    asked = SequenceClassifier(**UNTRAINED, bidirectional=False, companion=True).fit(X, y)
    with pytest.raises(ValueError, match="companion must be False"):
        asked.stream()
