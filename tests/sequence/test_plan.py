"""What is chosen from the data, and that what is said is done."""

import pytest
import torch

from carrousel import SequenceClassifier
from carrousel.sequence.classifier import Classification
from carrousel.sequence.plan import ENOUGH, LONGEST, ROWS, for_learning_on, judged_by, plan_for
from carrousel.sequence.ragged import Ragged


def batch(count: int, steps: int) -> Ragged:
    rows = torch.empty(count * steps, 1, device="meta")  # nothing looks at them
    return Ragged(rows, torch.full((count,), steps))


def task() -> Classification:
    made = Classification()
    made.outputs = 3
    return made


def plan(count: int, steps: int, text: bool = False, **options):
    sizes = {"tokens": 9, "embedding": 4} if text else {"channels": 1, "masked": False}
    return plan_for(SequenceClassifier(**options), batch(count, steps), sizes, task(), 0)


@pytest.mark.parametrize(
    ("count", "text", "cell", "rotate"),
    [(40, False, "gru", True), (40, True, "lstm", True), (5000, False, "lstm", False)],
)
def test_little_is_learned_from_by_small_cells_and_all_of_it(count, text, cell, rotate):
    found = plan(count, 20, text)
    assert (found.shape.cell, found.rotate, found.stop_early) == (cell, rotate, not rotate)


@pytest.mark.parametrize("count", [2, 7, 19, 100, 3000])
@pytest.mark.parametrize("steps", [1, 500, 50_000])
def test_updates_fit_into_memory_and_there_are_some(count, steps):
    found = plan(count, steps)
    assert 1 <= found.batch_size <= 64
    assert found.batch_size * min(steps, LONGEST) <= max(ROWS, LONGEST)
    assert found.train.steps >= 8
    assert found.parts in (0, 10)
    assert (len(found.reasons) == 2) == (steps > LONGEST)


def test_what_is_said_is_done():
    said = {"cell": "rnn", "hidden_size": 5, "num_layers": 2, "bidirectional": False,
            "convolution": False, "pooling": "max", "dropout": 0.1, "ensemble": 2, "epochs": 3,
            "batch_size": 4, "learning_rate": 0.5, "validation_fraction": 0.25}  # fmt: skip
    found = plan(40, 5, **said)
    shape = found.shape
    assert (shape.cell, shape.hidden, shape.layers, shape.bidirectional) == ("rnn", 5, 2, False)
    assert (shape.filters, shape.pooling, found.dropout, found.ensemble) == (0, "max", 0.1, 2)
    assert (found.train.steps, found.batch_size, found.parts) == (30, 4, 4)
    assert found.train.learning_rate == 0.5


def test_sequences_of_ones_own_say_when_to_stop_if_there_are_enough():
    found = plan(40, 5)
    assert not judged_by(found, ENOUGH - 1, task()).stop_early
    judged = judged_by(found, ENOUGH, task())
    assert (judged.stop_early, judged.train.patience > 0) == (True, True)


def test_learning_on_takes_fewer_and_smaller_steps():
    found = plan(40, 5)
    networks = [torch.nn.Module()]
    networks[0].shape = found.shape
    later = for_learning_on(found, networks)
    assert later.train.steps < found.train.steps
    assert later.train.learning_rate < found.train.learning_rate
    assert later.ensemble == 1


@pytest.mark.parametrize(
    ("options", "there"),
    [({}, True), ({"bidirectional": False}, False), ({"companion": False}, False),
     ({"validation_fraction": 0.0}, False), ({"bidirectional": False, "companion": True}, True)],
    ids=str,
)  # fmt: skip
def test_a_companion_stands_beside_whom_it_can_be_compared_with(options, there):
    found = plan(40, 5, **options)
    assert (found.companion, found.shape.filters > 0) == (there, not there)
    text = plan(40, 5, text=True, **options).shape
    assert (text.filters > 0, text.pooling) == (not there, "max")
