"""SequenceClassifier: learned, asked, saved, and what it refuses."""

import json
import os
import pickle
from dataclasses import fields

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.base import clone

from carrousel import LanguageModel, SequenceClassifier
from carrousel.sequence.plan import Plan

from .toy import ALONE, QUICK, waves


@pytest.fixture(scope="module")
def fitted() -> SequenceClassifier:
    X, y = waves()
    return SequenceClassifier(**ALONE).fit(X, y)


def test_what_is_easy_to_hear_is_learned(fitted):
    X, y = waves(seed=1)
    assert fitted.score(X, y) > 0.95
    chances = fitted.predict_proba(X)
    assert chances.shape == (40, 2)
    np.testing.assert_allclose(chances.sum(1), 1)
    assert fitted.classes_.tolist() == ["down", "up"]
    assert fitted.predict(X).tolist() == fitted.classes_[chances.argmax(1)].tolist()
    assert fitted.report_["held_out"] == 4
    assert isinstance(fitted.plan_, Plan)


def test_the_same_seed_gives_the_same_model(fitted):
    X, y = waves()
    again = SequenceClassifier(**ALONE).fit(X, y)
    assert (again.predict_proba(X) == fitted.predict_proba(X)).all()
    other = SequenceClassifier(**ALONE, random_state=1).fit(X, y)
    assert (other.predict_proba(X) != fitted.predict_proba(X)).any()


def test_answers_do_not_depend_on_company(fitted):
    X, _ = waves(seed=2)
    one_by_one = np.concatenate([fitted.predict_proba([x]) for x in X])
    np.testing.assert_allclose(fitted.predict_proba(X), one_by_one, rtol=1e-5)


def test_nothing_of_the_held_out_part_reaches_the_scale():
    X, y = waves()
    model = SequenceClassifier(**ALONE).fit(
        X[:30], y[:30], validation=([x + 1e6 for x in X[30:]], y[30:])
    )
    rows = np.concatenate(X[:30])
    np.testing.assert_allclose(model.networks_[0].entry.mean, rows.mean(0))
    np.testing.assert_allclose(model.networks_[0].entry.scale, rows.std(0))
    assert model.report_["held_out"] == 10


def test_enough_sequences_of_ones_own_say_when_to_stop():
    X, y = waves(80)
    noise = np.random.default_rng(0).permutation(y[40:]).tolist()  # nothing can be learned of it
    options = {**QUICK, "epochs": 60, "learning_rate": 0.05}
    model = SequenceClassifier(**options).fit(X[:40], y[:40], validation=(X[40:], noise))
    (run,) = model.runs_
    assert run.stopped == "early"
    assert run.best_step < run.steps
    few = SequenceClassifier(**{**options, "epochs": 2})
    few.fit(X[:40], y[:40], validation=(X[40:45], y[40:45]))
    assert few.runs_[0].best_score is None


def test_each_network_holds_out_another_part():
    X, y = waves()
    options = {**QUICK, "ensemble": 3, "epochs": 1}
    model = SequenceClassifier(**options).fit(X, y)
    means = {tuple(network.entry.mean.tolist()) for network in model.networks_}
    assert len(means) == 3
    assert model.report_["held_out"] == 12


def test_it_is_the_same_after_a_file(fitted, tmp_path):
    X, _ = waves(seed=3)
    fitted.save(tmp_path / "model")
    again = SequenceClassifier.load(tmp_path / "model")
    assert (again.predict_proba(X) == fitted.predict_proba(X)).all()
    assert again.predict(X).dtype == fitted.predict(X).dtype
    assert again.get_params() == fitted.get_params()
    assert again.report_ == fitted.report_
    again.save(tmp_path / "model")


def _changed(path, change):
    from carrousel.storage.model_directory import read_model, write_model

    files = read_model(path, "sequence classifier", 1)
    description = json.loads(json.dumps(files.description))
    change(description, files.tensors)
    write_model(path, "sequence classifier", 1, description, files.tensors)


LIES = {
    "a cell that there is not": lambda d, t: d["shape"].update(cell="tcn"),
    "more outputs than labels": lambda d, t: d["shape"].update(outputs=3),
    "a size that no memory holds": lambda d, t: d["shape"].update(hidden=2**60),
    "other channels": lambda d, t: d["reader"].update(channels=5),
    "another pooling": lambda d, t: d["shape"].update(pooling="median"),
    "no pooling": lambda d, t: d["shape"].update(pooling=""),
    "no networks": lambda d, t: d.update(networks=0),
    "too many networks": lambda d, t: d.update(networks=2),
    "an unknown reader": lambda d, t: d["reader"].update(kind="smells"),
    "a temperature of text": lambda d, t: d.update(temperature="warm"),
    "a temperature of zero": lambda d, t: d.update(temperature=0.0),
    "an unknown option": lambda d, t: d["options"].update(magic=1),
    "labels missing": lambda d, t: d["task"].pop("labels"),
    "weights missing": lambda d, t: t.popitem(),
    "weights of other sizes": lambda d, t: t.update(
        {k: v[:1] for k, v in t.items() if v.ndim == 2}
    ),
    "weights that are no numbers": lambda d, t: t.update(
        {k: v * torch.nan for k, v in t.items() if v.is_floating_point()}
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_in_a_file_are_refused(fitted, tmp_path, lie):
    fitted.save(tmp_path)
    _changed(tmp_path, LIES[lie])
    with pytest.raises(ValueError, match="cannot be read"):
        SequenceClassifier.load(tmp_path)


def test_another_kind_of_model_is_named(fitted, tmp_path):
    fitted.save(tmp_path)
    with pytest.raises(ValueError, match="it is a 'sequence classifier'; carrousel classify"):
        LanguageModel.load(tmp_path)


def test_an_interrupted_training_resumes_to_the_same_model(fitted, tmp_path):
    X, y = waves()

    def stop(name, now):
        if now.step == 20:
            raise KeyboardInterrupt

    with pytest.warns(RuntimeWarning, match="interrupted after 20 updates"):
        SequenceClassifier(**ALONE).fit(X, y, checkpoint=tmp_path, progress=stop)
    assert os.listdir(tmp_path) == ["network0.safetensors"]
    again = SequenceClassifier(**ALONE).fit(X, y, checkpoint=tmp_path, resume=True)
    assert (again.predict_proba(X) == fitted.predict_proba(X)).all()
    with pytest.raises(ValueError, match="belongs to a training on other data"):
        SequenceClassifier(**ALONE).fit(X, y[::-1], checkpoint=tmp_path, resume=True)


def test_options_are_scikit_learns(fitted):
    copy = clone(SequenceClassifier(cell="gru", random_state=7))
    assert copy.get_params()["cell"] == "gru"
    assert repr(copy) == "SequenceClassifier(cell='gru', random_state=7)"
    assert copy.set_params(cell="rnn").cell == "rnn"
    assert set(copy.get_params()) == {field.name for field in fields(SequenceClassifier)}
    with pytest.raises(ValueError, match="has no option 'colour'"):
        copy.set_params(colour=1)
    assert pickle.loads(pickle.dumps(fitted)).classes_.tolist() == ["down", "up"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("cell", "tcn"), ("hidden_size", 0), ("hidden_size", 2.5), ("num_layers", True),
        ("dropout", 1.0), ("dropout", "a"), ("ensemble", -1), ("epochs", 0), ("batch_size", 0),
        ("learning_rate", 0), ("validation_fraction", 1), ("bidirectional", 1),
        ("convolution", "yes"), ("missing", 0), ("layout", "tnc"), ("pooling", "median"),
        ("random_state", -1), ("random_state", "a"), ("class_weight", "all"),
        ("class_weight", {"left": 1}), ("class_weight", {"up": -1}),
    ],
)  # fmt: skip
def test_options_out_of_reach_are_refused_by_name(option, value):
    X, y = waves(8)
    with pytest.raises((TypeError, ValueError), match=rf"^{option}"):
        SequenceClassifier(**{**QUICK, option: value}).fit(X, y)


@pytest.mark.parametrize("labels", [[1, True], ["a", 1], [("a", 1), ("b", 2)], [b"x", None]])
def test_labels_of_any_kind(labels):
    X, y = waves(12)
    y = [labels[one == "up"] for one in y]
    model = SequenceClassifier(**{**QUICK, "epochs": 1})
    if None in labels:
        with pytest.raises(ValueError, match="must be a label, got None"):
            model.fit(X, y)
    else:
        assert set(map(repr, model.fit(X, y).predict(X).tolist())) <= set(map(repr, labels))


def test_a_class_with_one_example_is_learned_from():
    X, y = waves(30)
    y[4] = "once"
    model = SequenceClassifier(**{**QUICK, "epochs": 1, "ensemble": 5}).fit(X, y)
    assert model.predict_proba(X).shape == (30, 3)


def test_a_label_that_was_never_learned_is_a_mistake(fitted):
    X, y = waves()
    right = fitted.score(X, y)
    assert fitted.score(X, ["sideways", *y[1:]]) == pytest.approx(right - 1 / 40)


def test_an_expensive_mistake_is_avoided():
    X, y = waves(60)
    noise = np.random.default_rng(0)
    X = [x * 0 + noise.normal(size=x.shape) for x in X]  # nothing to tell them by
    y = ["rare" if k % 10 == 0 else "often" for k in range(60)]
    plain = SequenceClassifier(**ALONE).fit(X, y).predict_proba(X)
    fair = SequenceClassifier(**ALONE, class_weight="balanced").fit(X, y)
    assert fair.predict_proba(X)[:, 1].mean() > plain[:, 1].mean() + 0.1


@pytest.mark.parametrize(
    ("X", "why"),
    [
        ([], "at least one sequence"),
        (np.zeros((3, 0)), "empty"),
        (np.zeros((2, 0, 3)), "empty"),
        ([np.zeros((0, 2)), np.zeros((3, 2))], r"X\[0\] must have at least one step"),
        ([np.zeros((3, 2)), np.full((4, 2), np.inf)], r"X\[1\] must be finite or NaN"),
        ([np.zeros((3, 2)), np.zeros((4, 3)), np.zeros((5, 4))], "same number of channels"),
        ([np.zeros((3, 2)), np.zeros(4)], r"X\[\d\] must be \(time, channels\)"),
        (np.zeros((2, 3, 3)), "layout must be given"),
        (np.zeros((2, 2, 2, 2)), "at most 3 axes"),
        (np.zeros(5), "Reshape your data"),
        ([["a", "b"], ["c"]], "must hold numbers"),
        (np.zeros((2, 3), complex), "Complex data not supported"),
        ("text", "must be an array"),
        ({"a": 1}, "must be an array"),
        (5, "must be an array"),
    ],
)
def test_what_holds_no_sequences_is_refused(X, why):
    y = ["a", "b", "c"][: len(X)] if hasattr(X, "__len__") else ["a"]
    with pytest.raises((TypeError, ValueError), match=why):
        SequenceClassifier(**ALONE).fit(X, y)


@pytest.mark.parametrize(
    ("y", "why"),
    [
        (None, "y must be given"),
        (["a"] * 8, "only one class: 'a'"),
        (["a", "b"], "a label for each of 8 sequences, got 2"),
        (np.zeros((8, 2)), "one label for each sequence"),
        (np.linspace(0, 1, 8), "SequenceRegressor"),
        ("abababab", "must be a list or array"),
        ([["a"]] * 8, "hashable"),
    ],
)
def test_what_holds_no_labels_is_refused(y, why):
    X, _ = waves(8)
    with pytest.raises((TypeError, ValueError), match=why):
        SequenceClassifier(**ALONE).fit(X, y)


def test_nothing_is_answered_before_fit():
    with pytest.raises(Exception, match="has learned nothing yet"):
        SequenceClassifier().predict([np.zeros((3, 1))])
    with pytest.raises(Exception, match="has learned nothing yet"):
        SequenceClassifier().classes_  # noqa: B018


def test_missing_numbers_are_learned_where_there_are_some(fitted):
    X, y = waves()
    holes = [np.where(np.random.default_rng(k).random(x.shape) < 0.3, np.nan, x)
             for k, x in enumerate(X)]  # fmt: skip
    with pytest.raises(ValueError, match=r"X\[\d+\] has a missing number.*fit with missing=True"):
        fitted.predict(holes)
    model = SequenceClassifier(**ALONE).fit(holes, y)
    assert model.score(holes, y) > 0.9
    assert np.isfinite(model.predict_proba([np.full((4, 2), np.nan)])).all()


def test_the_layout_is_told_guessed_aloud_or_asked_for():
    noise = np.random.default_rng(0)
    X, y = noise.normal(size=(12, 9, 2)), ["a", "b"] * 6
    quick = {**QUICK, "epochs": 1}
    with pytest.warns(UserWarning, match="X read as 9 steps of 2 channels, layout='ntc'"):
        guessed = SequenceClassifier(**quick).fit(X, y)
    told = SequenceClassifier(**quick, layout="ntc").fit(X, y)
    turned = SequenceClassifier(**quick, layout="nct").fit(X.transpose(0, 2, 1), y)
    chances = guessed.predict_proba(X)
    assert (told.predict_proba(X) == chances).all()
    assert (turned.predict_proba(X.transpose(0, 2, 1)) == chances).all()
    # one that is shorter than it has channels is read as those before
    assert told.predict_proba(X[:, :1]).shape == (12, 2)
    assert turned.predict_proba([X[0].T, X[1, :4].T]).shape == (2, 2)


def test_one_step_and_one_channel():
    X, y = np.array([[1.0], [-1.0]] * 10), [0, 1] * 10
    model = SequenceClassifier(**{**QUICK, "convolution": True}).fit(X, y)
    assert model.predict(X).dtype == np.asarray(y).dtype
    assert model.score(X, y) == 1


def test_tensors_and_object_arrays_are_read(fitted):
    X, _ = waves()
    wanted = fitted.predict_proba(X)
    assert (fitted.predict_proba([torch.from_numpy(x) for x in X]) == wanted).all()
    with pytest.raises(TypeError, match="got a table"):
        fitted.predict(pl.DataFrame({"x": [1.0], "z": [2.0]}))
    objects = np.empty(len(X), object)
    objects[:] = X
    assert (fitted.predict_proba(objects) == wanted).all()
