"""Strings of labels for sequences of numbers and for sound: learned, streamed, saved, refused."""

import numpy as np
import pytest
import torch

from carrousel.audio import LogMel, Recordings
from carrousel.sequence import SequenceClassifier, Transcriber
from carrousel.sequence.plan import plan_for
from carrousel.sequence.ragged import Ragged
from carrousel.sequence.transcriber import Transcription

from .sounds import RATE, recordings, spoken

QUICK = {"hidden_size": 24, "learning_rate": 0.01, "dropout": 0, "batch_size": 16}
LEARNED = recordings(120)
UNSEEN = recordings(12, 4, seed=1)


@pytest.fixture(scope="module")
def one_way() -> Transcriber:
    """Of sound, in one direction."""
    model = Transcriber(bidirectional=False, epochs=40, **QUICK)
    return model.fit(LEARNED, LEARNED.labels)


def steps(text: str) -> np.ndarray:
    """(T, 2): two steps of each letter's own, then a pause."""
    rows = [row for letter in text for row in (letter, letter, " ")] or [" "]
    return np.array([[row == "a", row == "b"] for row in rows], float)


def strings(count: int) -> list[str]:
    noise = np.random.default_rng(2)
    return ["".join(noise.choice(["a", "b"], k % 4)) for k in range(count)]  # some are empty


@pytest.fixture(scope="module")
def both_ways() -> Transcriber:
    """Of numbers, in both directions."""
    texts = strings(60)
    return Transcriber(epochs=25, **QUICK).fit([steps(text) for text in texts], texts)


def test_what_is_said_is_learned(both_ways):
    texts = ["abba", "", "bb", "a"]
    assert both_ways.predict([steps(text) for text in texts]).tolist() == texts
    assert both_ways.score([steps(text) for text in texts], texts) == 1
    assert both_ways.labels_.tolist() == ["a", "b"]
    assert both_ways.report_["held_out"] == 6
    assert both_ways.report_["label_error_rate"] < 0.2


def test_sound_is_transcribed_and_its_stream_says_the_same(one_way):
    assert (
        one_way.score(UNSEEN, UNSEEN.labels) > 0.8
    )  # strings are longer than those that were learned from
    likeliest = Transcriber.predict(one_way.set_params(beam_width=1), UNSEEN)
    one_way.set_params(beam_width=8)
    for samples, wanted in zip(UNSEEN.samples, likeliest, strict=True):
        stream = one_way.stream()
        said = [stream.push(part) for part in np.array_split(samples, 7)] + [stream.finish()]
        assert "".join(said) == stream.text == wanted
    assert stream.latency == pytest.approx(0.025)


def test_a_stream_gives_the_chances_of_the_whole(one_way):
    samples = UNSEEN.samples[0]
    stream, chances = one_way.stream(), []
    for part in np.array_split(samples, 5):
        stream.push(part)
        chances.append(stream.chances if len(part) else chances[-1][:0])
    whole = one_way.predict_proba(UNSEEN.take([0]))[0]
    assert whole.shape == (LogMel(RATE, hop=0.02).frames(len(samples)), 4)
    np.testing.assert_allclose(np.concatenate(chances), whole, atol=1e-5)


@pytest.mark.parametrize("convolution", [False, True])
def test_a_stream_of_steps(both_ways, convolution):
    with pytest.raises(ValueError, match="bidirectional must be False to stream"):
        both_ways.stream()
    texts = strings(60)
    model = Transcriber(bidirectional=False, convolution=convolution, epochs=2, **QUICK)
    model.fit([steps(text) for text in texts], texts)
    whole = model.predict_proba([steps("abb")])[0]
    stream = model.stream()
    assert stream.push(np.zeros((0, 2))) == "" == stream.finish()
    for k, row in enumerate(steps("abb")):
        stream.push(row[None])
        np.testing.assert_allclose(stream.chances[0], whole[k], atol=1e-5)
    assert stream.latency is None
    with pytest.raises(ValueError, match="NaN"):
        stream.push(np.full((1, 2), np.nan))
    with pytest.raises(ValueError, match="channels"):
        stream.push(np.zeros((4, 3)))


def test_alternatives_have_chances(both_ways):
    found = both_ways.alternatives([steps("ab")], k=3)[0]
    assert found[0][0] == "ab"
    chances = [chance for _, chance in found]
    assert chances == sorted(chances, reverse=True)
    assert 0.5 < sum(chances) <= 1 + 1e-9


@pytest.mark.parametrize("name", ["one_way", "both_ways"])
def test_what_is_read_back_is_what_was_saved(name, tmp_path, request):
    model = request.getfixturevalue(name)
    given = UNSEEN if name == "one_way" else [steps("abba"), steps("b")]
    model.save(tmp_path / "model")
    read = Transcriber.load(tmp_path / "model")
    assert read.predict(given).tolist() == model.predict(given).tolist()
    assert read.get_params() == model.get_params()
    assert read.report_ == model.report_
    with pytest.raises(ValueError, match="is no sequence classifier"):
        SequenceClassifier.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("units", "y", "labels"),
    [
        (None, ["ab", "b"], ["a", "b"]),
        ("words", ["ab b", "b "], ["ab", "b"]),
        (None, [["ab", "b"], []], ["ab", "b"]),
        ("labels", [(1, 2), [2]], [1, 2]),
        (None, np.array([[3, 4], [4, 4]]), [3, 4]),
    ],
    ids=str,
)
def test_units(units, y, labels):
    X = [np.random.default_rng(0).normal(size=(6, 1)) for _ in range(2)]
    model = Transcriber(units=units, epochs=1, hidden_size=4).fit(X, y)
    assert model.labels_.tolist() == labels
    got = model.predict(X)
    text = isinstance(y[0], str)
    assert all(isinstance(one, str if text else list) for one in got)
    assert model.score(X, y) <= 1


def test_the_loss_is_that_of_each_sequence_alone():
    texts = ["ab", "", "bb"]
    X = [torch.randn(n, 3, generator=torch.Generator().manual_seed(n)) for n in (4, 2, 7)]
    inputs = Ragged.of(X)
    task = Transcription()
    task.learn(texts, inputs, Transcriber())
    targets = task.encode(texts, inputs)
    alone = [
        torch.nn.functional.ctc_loss(x.log_softmax(1), t, [len(x)], [len(t)], reduction="sum")
        / max(len(t), 1)
        for x, t in zip(X, targets.parts(), strict=True)
    ]
    together = task.loss(inputs, targets)
    assert float(together) == pytest.approx(float(torch.stack(alone).mean()), rel=1e-5)


X = [np.ones((3, 1)), np.zeros((5, 1))]


@pytest.mark.parametrize(
    ("y", "error", "says"),
    [
        ("ab", TypeError, "y must be a list of texts"),
        (["a"], ValueError, "string for each of 2 sequences, got 1"),
        ([1, 2], TypeError, r"y\[0\] must be a text or a list"),
        (["a", None], TypeError, r"y\[1\] must be a text or a list"),
        (["a", ["b"]], TypeError, "got both"),
        (["", ""], ValueError, "at least one label"),
        (["abba", "a"], ValueError, r"y\[0\] must fit into the 3 steps of X\[0\], got 4 labels"),
        (["aa", "bbb"], None, ""),
        (["aab", "a"], ValueError, "which take 4"),
        ([[float("nan")], [1]], ValueError, "must be a label"),
        ([["a", 1], []], None, ""),
    ],
    ids=str,
)
def test_strings_that_cannot_be_learned(y, error, says):
    model = Transcriber(epochs=1, hidden_size=2)
    if error is None:
        model.fit(X, y)
        return
    with pytest.raises(error, match=says):
        model.fit(X, y)


def test_units_that_do_not_exist():
    with pytest.raises(ValueError, match="units must be one of 'characters', 'words', 'labels'"):
        Transcriber(units="letters").fit(X, ["a", "b"])


def test_a_recording_is_named_where_it_is_wrong(one_way):
    def given(samples, rate=RATE):
        return Recordings([UNSEEN.samples[0], samples], rate, ["a.wav", "b.wav"])

    for samples, says in (
        (np.array([0, np.nan]), "b.wav: samples must be finite"),
        (np.zeros(0), "b.wav: samples must not be empty"),
    ):
        with pytest.raises(ValueError, match=says):
            one_way.predict(given(samples))
    with pytest.raises(ValueError, match=r"sampling rate .* 4,000 Hz, got 8,000; give read_rec"):
        one_way.predict(given(np.ones(10), 8000))
    with pytest.raises(TypeError, match="X must be Recordings"):
        one_way.predict([np.ones((5, 40))])
    with pytest.raises(ValueError, match="at least one recording"):
        one_way.predict(Recordings([], RATE, []))


@pytest.mark.parametrize("samples", [np.zeros(4000), np.zeros(1), np.full(40, 0.5, np.float64)])
def test_silence_and_one_frame_are_answered(one_way, samples):
    got = one_way.predict(Recordings([samples], RATE, ["a.wav"]))
    assert isinstance(got[0], str)


def test_recordings_are_classified(tmp_path):
    letters = recordings(60, longest=1)
    model = SequenceClassifier(ensemble=1, epochs=10, hidden_size=12, convolution=False)
    model.fit(letters, letters.labels)
    unseen = recordings(12, longest=1, seed=4)
    assert model.score(unseen, unseen.labels) == 1
    model.save(tmp_path)
    assert SequenceClassifier.load(tmp_path).score(unseen, unseen.labels) == 1


def test_whole_numbers_are_heard_as_what_they_are(one_way):
    sound = spoken("abc", np.random.default_rng(5))
    given = [sound, (sound * 32768).astype(np.int16), np.stack([sound, sound], 1)]
    one, *others = one_way.predict_proba(Recordings(given, RATE, ["a", "b", "c"]))
    for other in others:
        np.testing.assert_allclose(one, other, atol=0.01)


def test_a_classifier_hears_a_stream():
    letters = recordings(24, longest=1)
    model = SequenceClassifier(
        ensemble=1, epochs=3, hidden_size=8, bidirectional=False, pooling="last"
    ).fit(letters, letters.labels)
    stream = model.stream()
    assert stream.update(letters.samples[0][:50]).shape == (0, 3)
    rest = np.array_split(letters.samples[0][50:], 4)
    said = np.concatenate([stream.update(part) for part in rest])
    assert len(said) == stream.steps == LogMel(RATE, hop=0.02).frames(len(letters.samples[0]))
    np.testing.assert_allclose(said[-1], model.predict_proba(letters.take([0]))[0], atol=1e-5)


def test_it_learns_on_and_is_cloned():
    base = pytest.importorskip("sklearn.base")
    texts = strings(20)
    X = [steps(text) for text in texts]
    model = Transcriber(hidden_size=4, epochs=1).fit(X, texts)
    on = base.clone(model).fit(X, texts, init=model)
    assert on.labels_.tolist() == model.labels_.tolist()
    with pytest.raises(ValueError, match="'c'"):
        base.clone(model).fit(X[:1], ["c"], init=model)
    some = Transcriber(hidden_size=4).partial_fit(X[:4], texts[:4], classes=["a", "b", "c"])
    assert some.labels_.tolist() == ["a", "b", "c"]
    some.partial_fit(X[4:], texts[4:])
    with pytest.raises(TypeError, match="classes must be texts"):
        Transcriber().partial_fit(X[:4], texts[:4], classes=[1])


def test_the_steps_of_a_label_are_what_it_relied_on(both_ways):
    found = both_ways.explain(steps("a"), "a")
    assert found.answer == "a"
    assert int(np.argmax(found.scores["removed"])) in (0, 1)  # the third step is a pause
    assert both_ways.explain(steps("bb")).answer == "b"
    with pytest.raises(ValueError, match="answer must be one of"):
        both_ways.explain(steps("a"), "c")


def test_a_recording_is_explained_in_seconds(one_way):
    found = one_way.explain(UNSEEN.take([0]), UNSEEN.labels[0][0])
    assert found.answer == UNSEEN.labels[0][0]
    assert found.steps[:2] == ["0.00", "0.02"]
    with pytest.raises(ValueError, match="sequence must be one, got 2"):
        one_way.explain(UNSEEN.take([0, 1]), step=0)


@pytest.mark.parametrize("count", [60, 5000])
def test_enough_updates_are_planned_where_nothing_is_said(count):
    texts = ["ab"] * count
    inputs = Ragged(torch.zeros(5 * count, 2), torch.full((count,), 5))
    model, task = Transcriber(), Transcription()
    task.learn(texts, inputs, model)
    plan = plan_for(model, inputs, {"channels": 2}, task, seed=0)
    assert plan.train.steps >= 2000
    assert plan.batch_size <= 16
    assert plan.train.patience in (0, 25)


@pytest.mark.parametrize("bidirectional", [None, False])
def test_forwards_nothing_is_to_be_said_before_it_can_be_heard(bidirectional):
    texts = ["ab", "", "aab"]
    lengths = torch.tensor([16, 16, 40])
    inputs = Ragged(torch.zeros(72, 2), lengths)
    task = Transcription()
    task.learn(texts, inputs, Transcriber(bidirectional=bidirectional))
    targets = task.encode(texts, inputs)
    rows = torch.randn(72, 3, generator=torch.Generator().manual_seed(0))
    found = task.loss(inputs.like(rows), targets)
    wanted = []
    for part, codes in zip(inputs.like(rows.log_softmax(-1)).parts(), targets.parts(), strict=True):
        one = torch.nn.functional.ctc_loss(
            part, codes, torch.tensor(len(part)),
            torch.tensor(len(codes)), reduction="none",
        )  # fmt: skip
        if bidirectional is False:
            one = one - part[:2, 0].sum()  # 8 steps usually take a label: a quarter
        wanted.append(one / max(len(codes), 1))
    assert float(found) == pytest.approx(float(torch.stack(wanted).mean()), rel=1e-5)


def test_a_string_that_needs_all_its_steps_leaves_none_for_silence():
    inputs = Ragged(torch.zeros(43, 2), torch.tensor([40, 3]))
    task = Transcription()
    task.learn(["a", "aa"], inputs, Transcriber(bidirectional=False))
    assert task.silent == 0
