"""What a companion reads, against the definitions step by step and against scikit-learn."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_union

from carrousel.sequence.companion import convolutions, ngrams
from carrousel.sequence.companion.convolutions import GRID, RandomConvolutions, dilations_up_to
from carrousel.sequence.companion.ngrams import NGrams
from carrousel.sequence.companion.ridge import ridge, sparse_ridge
from carrousel.sequence.inputs.texts import TextReader
from carrousel.sequence.ragged import Ragged

WORDS = ["the cat sat", "a cat ran home", "the dog sat", "home is home", "a dog is a dog ran"]


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setattr(convolutions, "WIDTHS", (1008, 336))


def batch(lengths: list[int], channels: int = 2) -> Ragged:
    generator = torch.Generator().manual_seed(1)
    rows = torch.randn(sum(lengths), channels, generator=generator, dtype=torch.float64)
    return Ragged(5 + 3 * rows.cumsum(0), torch.tensor(lengths))


def learned(given: Ragged, masked: bool = False, summed: bool = False) -> RandomConvolutions:
    return RandomConvolutions.learn(given, masked, torch.Generator().manual_seed(0), summed)


def by_hand(features: RandomConvolutions, rows: torch.Tensor) -> list[float]:
    """Loops over views, thresholds and kernels, in float64."""
    x = ((rows - features.entry.mean) / features.entry.scale).float().clamp(-20, 20)
    steps = torch.cat([torch.zeros_like(x[:1]), x[1:] - x[:-1]]) / features.spread
    found = {}
    for view, read in enumerate((x, steps.clamp(-20, 20))):
        grid = ((read * GRID).round() / GRID).double().numpy()
        for place, number in enumerate(features.at.tolist()):
            by = int(features.dilation[number])
            for k, two in enumerate(combinations(range(9), 3)):
                chosen = features.chosen[view, number, k].numpy() > 0
                above = []
                for t in range(len(grid)):
                    at = [(t + (j - 4) * by, 2 if j in two else -1) for j in range(9)]
                    seen = [w * grid[s][chosen].sum() for s, w in at if 0 <= s < len(grid)]
                    above.append(sum(seen) - float(features.threshold[view, place, k]))
                above = np.array(above)
                found[view, place, k] = (above > 0).mean(), above.clip(0).mean()
    # In the order of the columns: by thresholds, share before mean.
    return [
        found[view, place, k][pooled]
        for view in range(2) for place in range(len(features.at)) for pooled in range(2)
        for k in range(84)
    ]  # fmt: skip


def test_features_are_those_of_the_definition():
    given = batch([30, 7, 18])
    features = learned(given)
    found = features(given)
    assert found.shape == (3, features.width)
    for k, rows in enumerate(given.parts()):
        np.testing.assert_allclose(found[k], by_hand(features, rows), rtol=0, atol=1e-12)


def test_summaries_of_each_channel_stand_behind_them():
    given = batch([30, 7, 1])
    features = learned(given, summed=True)
    found = features(given)
    assert torch.equal(found[:, : -features.summaries], learned(given)(given))
    values, changes = (rows.double().numpy() for rows in features._views(given))
    ends = np.cumsum(given.lengths.numpy())[:-1]
    for one, x, d in zip(found, np.split(values, ends), np.split(changes, ends), strict=True):
        wanted = [x.mean(0), x.std(0), np.abs(x).mean(0), np.sqrt((d**2).mean(0))]
        np.testing.assert_allclose(one[-8:], np.concatenate(wanted), rtol=0, atol=1e-7)


@pytest.mark.parametrize("masked", [False, True])
def test_weighed_features_are_never_all_there_but_give_the_same(masked):
    given = batch([30, 7, 18], 3)
    features = learned(given, masked, summed=True)
    weight = torch.randn(features.width, 2, generator=torch.Generator().manual_seed(2))
    wanted = features(given) @ weight.double()
    torch.testing.assert_close(features.times(given, weight), wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("summed", [False, True])
@pytest.mark.parametrize("lengths", [[1], [1, 1, 2], [9, 9, 9], [40, 3, 17]])
def test_features_do_not_depend_on_what_stands_beside_to_the_last_bit(lengths, summed):
    given = batch(lengths)
    features = learned(given, summed=summed)
    alone = torch.cat([features(Ragged.of([rows])) for rows in given.parts()])
    assert torch.equal(features(given), alone)
    assert torch.equal(features(given[torch.arange(len(lengths)).flip(0)]).flip(0), alone)


def test_missing_numbers_and_constant_channels_can_be_read():
    given = batch([20, 5], 3)
    rows = given.rows.clone()
    rows[2, 0], rows[:, 1] = torch.nan, 7.0
    found = learned(given.like(rows), masked=True)(given.like(rows))
    assert found.isfinite().all()


def test_a_long_sequence_is_read_in_parts_to_the_same_features(monkeypatch):
    given = batch([300, 40])
    features = learned(given)
    wanted = features(given)
    monkeypatch.setattr(convolutions, "ROWS", 70)
    assert torch.equal(features(given), wanted)


def test_thresholds_are_taken_from_parts_of_long_sequences(monkeypatch):
    monkeypatch.setattr(convolutions, "SEEN_STEPS", 50)
    given = batch([5000, 3])
    assert learned(given)(given).isfinite().all()


def test_as_much_text_is_learned_from_as_memory_holds(monkeypatch):
    class Options:
        level, vocabulary, vectors, embedding_size = "word", None, None, None

    reader, rows = TextReader.learn(WORDS * 10, Options)
    whole = NGrams.learn(rows, reader.tokenizer)
    wanted = whole.times(rows, torch.ones(whole.width, 1))
    monkeypatch.setattr(ngrams, "AT_ONCE", 20)
    assert torch.equal(whole.times(rows, torch.ones(whole.width, 1)), wanted)
    monkeypatch.setattr(ngrams, "LEARNED", 40)
    few = NGrams.learn(rows, reader.tokenizer)
    weight, offset, left_out = few.solve(rows, torch.ones(50, 1), [torch.arange(7)])
    assert (len(weight), offset.shape, left_out[0].shape) == (few.width, (1,), (7, 1))


@pytest.mark.parametrize("longest", [1, 8, 9, 24, 2000])
def test_kernels_are_never_longer_than_the_sequence(longest):
    found = dilations_up_to(longest, 15)
    assert found[0] == 1
    assert 8 * found[-1] < max(longest, 9)
    assert math.isclose(found[-1], max((longest - 1) // 8, 1))


@pytest.mark.parametrize(("n", "p"), [(12, 30), (40, 5)], ids=["wide", "tall"])
def test_what_is_left_out_is_what_a_refit_says(n, p):
    noise = np.random.default_rng(0)
    X, y = noise.normal(size=(n, p)), noise.normal(size=(n, 2))
    X[:, 0] = 3.0  # says nothing
    found = ridge(torch.from_numpy(X), torch.from_numpy(y))
    said = X @ found.weight.numpy() + found.offset.numpy()
    scale = X.std(0)
    scale[0] = np.inf
    z = (X - X.mean(0)) / scale
    fits = {a: Ridge(alpha=a).fit(z, y) for a in 10.0 ** np.arange(-1, 6.5, 0.5)}
    penalty = min(fits, key=lambda a: np.abs(fits[a].predict(z) - said).max())
    np.testing.assert_allclose(fits[penalty].predict(z), said, atol=1e-6)
    for k in (0, n - 1):
        rest = np.arange(n) != k
        refit = Ridge(alpha=penalty).fit(z[rest], y[rest]).predict(z[k : k + 1])[0]
        np.testing.assert_allclose(found.left_out[k], refit, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("says", ["level", "changes"])
def test_numbers_count_more_or_their_differences_do_as_left_out_examples_ask_for(says, channels):
    noise = np.random.default_rng(0)
    sizes = np.arange(40) % 2
    if says == "level":  # beside changes that say nothing
        X = [np.sin(np.arange(60)[:, None] * (0.2 + 0.1 * k)) for k in sizes]
        X = [x + noise.normal(0, 1.2, (60, channels)) for x in X]
    else:  # beside levels that say nothing
        X = [noise.normal(0, 9) + noise.normal(size=(60, channels)).cumsum(0) for k in sizes]
        X = [x + k * np.tile([[-0.5], [0.5]], (30, 1)) for x, k in zip(X, sizes, strict=True)]
    given = Ragged.of([torch.from_numpy(x) for x in X])
    features = learned(given, summed=channels > 1)
    weight, _, _ = features.solve(given, torch.from_numpy(2.0 * sizes - 1)[:, None], [])
    counted = weight[: features.width - features.summaries].view(2, -1).square().sum(1)
    assert counted.argmax() == (says == "changes")
    assert counted.min() < 0.5 * counted.max()


@pytest.mark.parametrize("n", [12, 60, 600], ids=["wide", "tall", "chosen on a part"])
def test_how_much_a_second_view_counts_is_what_left_out_examples_ask_for(n):
    noise = np.random.default_rng(1)
    first, second = noise.normal(size=(n, 20)), noise.normal(size=(n, 4))
    X = np.concatenate([first, second], 1)
    z = (X - X.mean(0)) / X.std(0)
    for y, weight in ((second[:, :1] + 0.1 * noise.normal(size=(n, 1)), 2), (first[:, :1], 0)):
        weights = [
            torch.cat([torch.ones(20), torch.full((4,), w * 5**0.5)]).double() for w in (0, 1, 2)
        ]
        found = ridge(torch.from_numpy(X), torch.from_numpy(y), [weights])
        said = X @ found.weight.numpy() + found.offset.numpy()
        weighed = z * np.r_[np.ones(20), np.full(4, weight * 5**0.5)]
        fits = [
            Ridge(alpha=a).fit(weighed, y).predict(weighed) for a in 10.0 ** np.arange(-1, 3, 0.5)
        ]
        assert min(np.abs(fit.reshape(said.shape) - said).max() for fit in fits) < 1e-6
        others = [ridge(torch.from_numpy(X), torch.from_numpy(y)), found]
        missed = [float((one.left_out - torch.from_numpy(y)).square().mean()) for one in others]
        assert missed[1] < missed[0]


def sklearns(texts: list[str], least: int) -> np.ndarray:
    common = {"sublinear_tf": True, "min_df": least}
    words = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), **common)
    parts = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)
    return make_union(words, parts).fit_transform(texts).toarray()


@pytest.mark.parametrize("copies", [1, 20], ids=["all features", "those of two texts"])
def test_texts_are_weighed_as_by_scikit_learn(copies):
    class Options:
        level, vocabulary, vectors, embedding_size = "word", None, None, None

    texts = WORDS * copies + ["Zebra Zoo"] * (copies == 1) + ["only once"] * (copies > 1)
    reader, rows = TextReader.learn(texts, Options)
    features = NGrams.learn(rows, reader.tokenizer)
    dense = features.sparse(rows).times(torch.eye(features.width)).numpy()
    wanted = sklearns(texts, 1 if copies == 1 else 2)
    # The columns have another order: inner products have none.
    np.testing.assert_allclose(dense @ dense.T, wanted @ wanted.T, atol=1e-5)


def test_conjugate_gradients_find_what_the_equations_say():
    class Options:
        level, vocabulary, vectors, embedding_size = "word", None, None, None

    reader, rows = TextReader.learn(WORDS, Options)
    sparse = NGrams.learn(rows, reader.tokenizer).sparse(rows)
    targets = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    weight, offset = sparse_ridge(sparse, targets)
    dense = sparse.times(torch.eye(sparse.width)).double().numpy()
    theirs = Ridge(alpha=1.0, fit_intercept=False).fit(dense, (targets - offset).numpy())
    np.testing.assert_allclose(weight, theirs.coef_.T, atol=1e-3)
    assert torch.equal(sparse[torch.tensor([0, 0, 1, 0, 1]).bool()].times(weight),
                       sparse.times(weight)[[2, 4]])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [("chosen", 2.0), ("chosen", 1.0), ("threshold", 1e9), ("threshold", torch.nan)],
)
def test_numbers_from_a_file_by_which_nothing_can_be_found_are_refused(name, value):
    features = learned(batch([20, 9], 12))
    features.check()
    getattr(features, name).fill_(value)
    with pytest.raises(ValueError, match=f"companion.{name} must be"):
        features.check()
