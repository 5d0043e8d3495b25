"""Decoding against all alignments there are; error rates against jiwer."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
import torch

from carrousel.sequence import ctc


def chances(steps: int, labels: int, seed: int, sharp: float = 1.0) -> np.ndarray:
    scores = np.random.default_rng(seed).normal(0, sharp, (steps, labels + 1))
    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True)


def by_enumeration(rows: np.ndarray) -> dict[tuple[int, ...], float]:
    """The chance of every string: the sum over all of its alignments."""
    total: dict[tuple[int, ...], float] = defaultdict(float)
    for path in product(range(rows.shape[1]), repeat=len(rows)):
        text = []
        for before, now in zip((0, *path), path, strict=False):
            if now not in (0, before):
                text.append(now)
        total[tuple(text)] += np.prod(rows[np.arange(len(rows)), path])
    return total


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("steps", "labels"), [(1, 1), (1, 3), (2, 2), (4, 2), (5, 3), (7, 1)])
def test_a_wide_beam_finds_the_chance_of_every_string(steps, labels, seed):
    rows = chances(steps, labels, seed)
    wanted = by_enumeration(rows)
    got = ctc.beam_search(rows, width=10_000)
    assert {tuple(text) for text, _ in got} == wanted.keys()
    for text, log in got:
        assert np.exp(log) == pytest.approx(wanted[tuple(text)], rel=1e-9)
    assert [log for _, log in got] == sorted((log for _, log in got), reverse=True)


@pytest.mark.parametrize("seed", range(8))
def test_a_beam_of_eight_finds_the_likeliest_string(seed):
    rows = chances(6, 2, seed, sharp=2.0)
    wanted = by_enumeration(rows)
    assert tuple(ctc.beam_search(rows, 8)[0][0]) == max(wanted, key=lambda text: wanted[text])


def test_the_chance_of_a_string_is_what_the_loss_says():
    rows = chances(9, 3, 5)
    for text, log in ctc.beam_search(rows, 100_000)[:50]:
        if text:
            loss = torch.nn.functional.ctc_loss(
                torch.from_numpy(np.log(rows))[:, None], torch.tensor([text]), [9], [len(text)],
                reduction="sum",
            )  # fmt: skip
            assert -log == pytest.approx(float(loss), rel=1e-9)


def test_the_likeliest_string_may_not_lie_on_the_likeliest_path():
    rows = [[0.6, 0.4], [0.6, 0.4]]
    assert ctc.greedy(rows) == []
    assert ctc.beam_search(rows)[0][0] == [1]


def test_a_thousand_steps_do_not_vanish():
    rows = chances(1000, 5, 0)
    text, log = ctc.beam_search(rows, 4)[0]
    assert text
    assert -np.inf < log < -100


def test_long_texts_take_no_more_time_for_each_step_than_short_ones():
    wanted = np.tile([1, 0, 2, 0], 5000)
    rows = np.full((len(wanted), 3), 0.05)
    rows[np.arange(len(wanted)), wanted] = 0.9
    text, _ = ctc.beam_search(rows, 4)[0]
    assert text == [1, 2] * 5000


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_a_narrow_beam_counts_no_string_twice_and_none_too_much(seed, width):
    rows = chances(8, 2, seed)
    wanted = by_enumeration(rows)
    found = ctc.beam_search(rows, width)
    assert len({tuple(text) for text, _ in found}) == len(found) <= width
    assert all(np.exp(log) <= wanted[tuple(text)] * (1 + 1e-9) for text, log in found)


def test_impossible_labels_are_never_said():
    rows = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    assert [text for text, _ in ctc.beam_search(rows, 100)] == [[], [1]]


def test_no_steps_say_nothing():
    assert ctc.greedy(np.zeros((0, 3))) == []
    assert ctc.beam_search(np.zeros((0, 3))) == [([], 0.0)]


@pytest.mark.parametrize("decode", [ctc.greedy, ctc.beam_search, ctc.GreedyStream().push])
@pytest.mark.parametrize(
    "rows", [[[0.5, np.nan]], [[1.5, -0.5]], [[0.0, 0.0]], [0.5, 0.5], [[1.0]]], ids=str
)
def test_what_are_no_chances_is_refused(decode, rows):
    with pytest.raises(ValueError, match="chances must"):
        decode(rows)


def test_a_beam_has_a_width():
    with pytest.raises(ValueError, match="width must be at least 1"):
        ctc.beam_search([[0.5, 0.5]], 0)


@pytest.mark.parametrize("part", [1, 2, 5, 40])
@pytest.mark.parametrize("seed", range(3))
def test_a_stream_says_what_the_likeliest_path_says(seed, part):
    rows = chances(40, 2, seed)
    stream = ctc.GreedyStream()
    said = [label for k in range(0, 40, part) for label in stream.push(rows[k : k + part])]
    assert said == ctc.greedy(rows)


@pytest.mark.parametrize("labels", [[], [1], [1, 1], [1, 2, 1], [2, 2, 2, 1, 1]])
def test_labels_need_a_blank_between_two_that_are_alike(labels):
    steps = ctc.steps_needed(labels)
    if steps:
        assert tuple(labels) in by_enumeration(chances(steps, 2, 0))
        assert tuple(labels) not in by_enumeration(chances(steps - 1, 2, 0))
    else:
        assert labels == []


TEXTS = ["one", "one two three", "two one", "one one one one", "three two one two", "seven"]


def test_error_rates_are_those_of_jiwer():
    jiwer = pytest.importorskip("jiwer")
    pairs = list(product(TEXTS, [*TEXTS, ""]))
    for reference, answer in pairs:
        wanted = jiwer.process_words(reference, answer)
        got = ctc.edits(reference.split(), answer.split())
        assert got.total == wanted.substitutions + wanted.deletions + wanted.insertions
    references, answers = map(list, zip(*pairs, strict=True))
    assert ctc.word_error_rate(references, answers) == pytest.approx(jiwer.wer(references, answers))
    assert ctc.character_error_rate(references, answers) == pytest.approx(
        jiwer.cer(references, answers)
    )


@pytest.mark.parametrize(
    ("reference", "answer", "wanted"),
    [
        ("", "", (0, 0, 0)),
        ("", "ab", (0, 0, 2)),
        ("ab", "", (0, 2, 0)),
        ("abc", "abc", (0, 0, 0)),
        ("abc", "axc", (1, 0, 0)),
        ("abcd", "bcde", (0, 1, 1)),
    ],
)
def test_edits_worked_out_by_hand(reference, answer, wanted):
    assert ctc.edits(reference, answer) == ctc.Edits(*wanted)


def test_error_rates_need_as_many_answers_and_some_labels():
    with pytest.raises(ValueError, match="got 1 and 2"):
        ctc.word_error_rate(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="at least one label"):
        ctc.character_error_rate([""], ["a"])
