"""Generators against examples worked by hand, and their baselines against brute force."""

import math

import pytest
import torch

from carrousel.lab.tasks import Adding, Batch, Copy, Recall, TemporalOrder


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_adding_answer_of_a_hand_worked_example():
    values = torch.tensor([[9.0, 9.0], [0.5, 9.0], [9.0, -1.0], [-0.25, 1.0]])  # (T=4, B=2)
    first, second = torch.tensor([1, 2]), torch.tensor([3, 3])
    answer = Adding.answer(values, first, second)
    assert answer.tolist() == [[1 + (0.5 - 0.25) / 2], [1.0]]


@pytest.mark.parametrize("steps", [24, 100, 101])
def test_adding_marks_two_pairs_in_the_first_half_and_the_targets_add_up(steps):
    batch = Adding(steps).batch(64, rng())
    values, marks = batch.inputs.unbind(-1)
    assert steps <= len(values) <= steps + steps // 10
    assert (marks[0] == -1).all()
    assert (marks[-1] == -1).all()
    assert ((marks == 1).sum(0) == 2).all()
    assert (marks[steps // 2 :] < 1).all()
    assert ((marks[1:11] == 1).sum(0) >= 1).all()
    marked = (values * (marks == 1)).sum(0)
    torch.testing.assert_close(batch.target[:, 0], 1 + marked / 2)


def test_adding_baseline_is_the_variance_of_the_target():
    target = torch.cat([Adding(24).batch(1000, rng(seed)).target for seed in range(40)])
    assert float(target.var()) == pytest.approx(1 / 6, rel=0.03)


def test_adding_counts_errors_below_the_limit_of_the_article_as_right():
    task = Adding(24)
    batch = Batch(torch.zeros(1, 3, 2), torch.tensor([[1.0], [1.0], [1.0]]))
    assert task.right(torch.tensor([[1.079], [0.921], [1.081]]), batch).tolist() == [
        True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("delay", [1, 7])
def test_copy_repeats_the_word_after_the_delay(delay):
    batch = Copy(delay).batch(5, rng())
    symbols = batch.inputs.argmax(-1)
    assert len(symbols) == delay + 20
    assert (symbols[:10] == batch.target[-10:]).all()
    assert (symbols[:10] < 8).all()
    assert (symbols[9 + delay] == 9).all()  # the sign to start, just before the answer
    silent = torch.cat([symbols[10 : 9 + delay], symbols[10 + delay :]])
    assert (silent == 8).all()
    assert (batch.target[:-10] == 8).all()


def test_copy_baseline_is_the_loss_of_blank_then_any_symbol():
    task = Copy(30)
    batch = task.batch(6, rng())
    logits = torch.full((task.span, 6, 9), -50.0)
    logits[:-10, :, 8] = 50.0
    logits[-10:, :, :8] = 0.0
    assert float(task.loss(logits, batch)) == pytest.approx(10 * math.log(8) / 50, rel=1e-5)
    assert task.memoryless == pytest.approx(10 * math.log(8) / 50)


def test_copy_is_right_only_with_all_ten_symbols():
    task = Copy(3)
    batch = task.batch(2, rng())
    output = torch.nn.functional.one_hot(batch.target, 9).float()
    assert task.right(output, batch).tolist() == [True, True]
    output[-1, 0] = output[-1, 0].roll(1)
    assert task.right(output, batch).tolist() == [False, True]


@pytest.mark.parametrize(
    ("signals", "windows"),
    [(2, [(10, 20), (50, 60)]), (3, [(10, 20), (33, 43), (66, 76)])],
    ids=["6a", "6b"],
)
def test_temporal_order_places_signals_in_their_windows_and_codes_their_order(signals, windows):
    batch = TemporalOrder(signals).batch(50, rng())
    symbols = batch.inputs.argmax(-1).T  # (B, T)
    assert 100 <= symbols.shape[1] <= 110
    for sequence, target in zip(symbols.tolist(), batch.target.tolist(), strict=True):
        places = [step for step, symbol in enumerate(sequence) if symbol in (4, 5)]
        assert all(low <= p <= high for p, (low, high) in zip(places, windows, strict=True))
        word = "".join("Y" if sequence[place] == 5 else "X" for place in places)
        assert target == int(word.replace("X", "0").replace("Y", "1"), 2)
        assert (sequence[0], sequence[-1]) == (6, 7)


@pytest.mark.parametrize("distractors", [0, 1, 30])
def test_recall_asks_for_the_first_symbol(distractors):
    batch = Recall(distractors).batch(20, rng())
    symbols = batch.inputs.argmax(-1)
    assert symbols.shape == (distractors + 1, 20)
    assert (symbols[0] == batch.target).all()
    assert (symbols[0] < 4).all()
    assert (symbols[1:] >= 4).all()


@pytest.mark.parametrize(
    "task", [Adding(24), Copy(2), TemporalOrder(), Recall(3)], ids=lambda task: task.name
)
def test_equal_seeds_give_equal_sequences_and_no_global_state_changes(task):
    before = torch.random.get_rng_state()
    one, same, other = (task.batch(4, rng(seed)) for seed in (1, 1, 2))
    assert one.inputs.equal(same.inputs)
    assert one.target.equal(same.target)
    assert not (one.inputs.shape == other.inputs.shape and one.inputs.equal(other.inputs))
    assert torch.random.get_rng_state().equal(before)
    assert one.inputs.shape[1:] == (4, task.inputs)
    assert task.batch(1, rng()).inputs.shape[1] == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adding(10), "steps must be an integer of at least 24, got 10"),
        (lambda: Copy(0), "delay must be .* got 0"),
        (lambda: Recall(-1), "distractors must be .* got -1"),
        (lambda: TemporalOrder(4), "signals must be 2 .6a. or 3"),
    ],
)
def test_impossible_settings_are_refused_with_what_is_accepted(make, message):
    with pytest.raises(ValueError, match=message):
        make()
