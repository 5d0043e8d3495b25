"""Figures of answers against scikit-learn's, the page, and what was never learned."""

import re

import numpy as np
import pytest
import sklearn.metrics as theirs

from carrousel import SequenceClassifier
from carrousel.sequence import SequenceTagger
from carrousel.sequence.evaluation.evaluation import Evaluation
from carrousel.sequence.evaluation.report import render
from carrousel.sequence.evaluation.training_report import _curve, learning_chart
from carrousel.sequence.labels import Labels
from carrousel.training import Run

from .toy import ALONE, QUICK, waves

NAMES = ["a", "b", "c"]


def evaluation(seed: int = 0, truth: list[str] | None = None) -> Evaluation:
    noise = np.random.default_rng(seed)
    chances = noise.dirichlet([1, 1, 1], 60)
    labels = truth or [NAMES[k] for k in noise.integers(0, 3, 60)]
    return Evaluation.of(Labels(NAMES), labels, chances, list(range(60)))


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_scikit_learns(seed):
    found = evaluation(seed)
    truth, said = found.truth, found.said
    assert found.accuracy == pytest.approx(theirs.accuracy_score(truth, said))
    assert found.macro_f1 == pytest.approx(theirs.f1_score(truth, said, average="macro"))
    assert found.log_loss == pytest.approx(theirs.log_loss(truth, found.chances))
    assert (found.confusion == theirs.confusion_matrix(truth, said)).all()
    wanted = theirs.precision_recall_fscore_support(truth, said)
    rows = found.by_class
    for name, values in zip(("precision", "recall", "F1", "examples"), wanted, strict=True):
        np.testing.assert_allclose([row[name] for row in rows], values)


def test_labels_that_were_never_learned_are_mistakes():
    noise = np.random.default_rng(0)
    labels = [[*NAMES, "new", 7][k] for k in noise.integers(0, 5, 60)]
    found = evaluation(0, labels)
    assert set(map(str, found.unseen)) == {"new", "7"}
    said = [str(found.labels[k]) for k in found.said]
    truth = [str(label) for label in labels]
    assert found.accuracy == pytest.approx(theirs.accuracy_score(truth, said))
    scores = theirs.f1_score(truth, said, average="macro", zero_division=0)
    assert found.macro_f1 == pytest.approx(scores)
    assert found.log_loss == np.inf
    assert any(one["its probability"] is None for one in found.mistakes(60))


def test_the_worst_mistakes_are_the_surest():
    found = evaluation()
    worst = found.mistakes(5)
    sure = [one["probability"] for one in worst]
    assert sure == sorted(sure, reverse=True)
    assert all(one["answer"] != one["truth"] for one in worst)
    wrong = found.chances[found.truth != found.said].max(1)
    assert sure[0] == wrong.max()


def test_calibration_is_the_mean_gap_of_the_table():
    found = evaluation()
    rows, count = found.reliability, len(found.truth)
    gaps = [row["answers"] * abs(row["probability"] - row["right"]) for row in rows]
    assert sum(row["answers"] for row in rows) == count
    assert found.calibration_error == pytest.approx(sum(gaps) / count)


def test_the_page_holds_everything_and_runs_nothing():
    labels = [["<b>", "b", "c"][k % 3] for k in range(60)]
    page = render(evaluation(0, labels), "<script>alert(1)</script>", settings={"cell": "lstm"})
    assert "<script" not in page
    assert "&lt;b&gt;" in page
    for part in ("macro F1", "Worst mistakes", "What was taken for what", "lstm"):
        assert part in page
    assert not re.search(r'(src|href)="', page)
    assert "default-src 'none'" in page


def test_confusion_is_drawn():
    axes = evaluation().plot().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == NAMES
    assert sum(int(text.get_text()) for text in axes.texts) == 60


def test_estimators_evaluate_themselves():
    X, y = waves()
    model = SequenceClassifier(**ALONE).fit(X, y)
    found = model.evaluate(X, y, names=[f"n{k}" for k in range(40)])
    assert found.accuracy == model.score(X, y)
    assert list(found.names)[:2] == ["n0", "n1"]
    tags = [[label] * len(x) for x, label in zip(X, y, strict=True)]
    tagger = SequenceTagger(**QUICK).fit(X, tags)
    found = tagger.evaluate(X, tags)
    assert found.accuracy == pytest.approx(tagger.score(X, tags))
    assert len(found.names) == sum(map(len, X))
    assert found.names[1] == "0, step 1"


@pytest.mark.parametrize("companion", [False, True])
def test_what_was_held_out_is_judged_by_answers_that_did_not_learn_it(companion):
    X, y = waves(40)
    model = SequenceClassifier(**{**QUICK, "ensemble": 3}, companion=companion).fit(X, y)
    found = model.evaluate_held_out(y, [f"s{k}" for k in range(40)])
    assert found is not None
    assert found.accuracy == model.report_["accuracy"]
    assert found.calibration_error == pytest.approx(
        model.report_["expected_calibration_error"]["after"]
    )
    assert len(set(found.names)) == len(found.names) == model.report_["held_out"]
    assert [found.labels[k] for k in found.truth] == [y[int(name[1:])] for name in found.names]
    if not companion:
        network = model.networks_[0]
        first = [int(name[1:]) for name in found.names[:4]]
        alone = model.task_.activate(network(model.reader_.read([X[k] for k in first])).double())
        np.testing.assert_allclose(found.chances[:4], alone.detach(), atol=1e-6)


def test_so_are_others_that_were_given_and_steps():
    X, y = waves(40)
    model = SequenceClassifier(**QUICK).fit(X[10:], y[10:], validation=(X[:10], y[:10]))
    given = model.evaluate_held_out(y[:10])
    np.testing.assert_allclose(given.chances, model.predict_proba(X[:10]), atol=1e-9)
    tags = [["+" if v > 0 else "-" for v in x[:, 0]] for x in X]
    tagger = SequenceTagger(**QUICK).fit(X, tags)
    found = tagger.evaluate_held_out(tags)
    assert found.accuracy == pytest.approx(tagger.report_["accuracy"])
    assert (
        SequenceTagger(**QUICK, validation_fraction=0).fit(X, tags).evaluate_held_out(tags) is None
    )


def test_a_curve_ends_where_learning_did():
    x, y = _curve([3.0] * 90 + [1.0] * 60)
    assert (len(x), x[-1], y[0], y[-1]) == (60, 150, 3, 1)
    assert "<svg" not in learning_chart([])
    assert learning_chart([Run(losses=[1.0], scores=[(1, 0.5)])]).count("dot") == 2
