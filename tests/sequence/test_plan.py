"""What is chosen from the data, and that what is said is done."""

import pytest
import torch

from carrousel import SequenceClassifier
from carrousel.sequence.classifier import Classification
from carrousel.sequence.plan import ENOUGH, LONGEST, ROWS, for_learning_on, judged_by, plan_for
from carrousel.sequence.ragged import Ragged
from carrousel.sequence.tagger import SequenceTagger, Tagging


def batch(count: int, steps: int) -> Ragged:
    rows = torch.full((1, 1), 0.5).expand(count * steps, 1)
    return Ragged(rows, torch.full((count,), steps))


def task() -> Classification:
    made = Classification()
    made.outputs = 3
    return made


def tagging(outputs: int) -> Tagging:
    """So many things on or off at each step."""
    made = Tagging()
    made.outputs = outputs
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


@pytest.mark.parametrize(
    ("count", "text", "companion", "units", "networks"),
    [(40, False, None, 48, 3), (40, False, False, 64, 5), (40, True, None, 64, 5),
     (5000, False, None, 64, 3)],
)  # fmt: skip
def test_few_series_with_a_companion_are_answered_by_less(count, text, companion, units, networks):
    found = plan(count, 20, text, companion=companion)
    assert (found.shape.hidden, found.ensemble) == (units, networks)


@pytest.mark.parametrize(
    ("count", "steps", "outputs", "cell", "hidden", "dropout"),
    [(40, 20, 90, "gru", 64, 0.3), (40, 300, 5, "lstm", 64, 0.3), (40, 300, 30, "lstm", 90, 0.6),
     (5000, 3, 200, "lstm", 256, 0.6)],
)  # fmt: skip
def test_steps_with_an_answer_each_are_what_is_learned_from(
    count, steps, outputs, cell, hidden, dropout
):
    sizes = {"channels": 1, "masked": False}
    found = plan_for(SequenceTagger(), batch(count, steps), sizes, tagging(outputs), 0)
    assert (found.shape.cell, found.shape.hidden, found.dropout) == (cell, hidden, dropout)
    assert found.rotate == (count < 500)
    assert found.stop_early == (cell == "lstm")


@pytest.mark.parametrize(("value", "filters"), [(0.0, 0), (1.0, 0), (float("nan"), 0), (0.5, 64)])
def test_convolutions_see_curves_and_no_switches(value, filters):
    rows = torch.tensor([[1.0], [value]] * 400)
    sizes = {"channels": 1, "masked": True}
    found = plan_for(SequenceTagger(), Ragged(rows, torch.full((40,), 20)), sizes, tagging(3), 0)
    assert found.shape.filters == filters


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
