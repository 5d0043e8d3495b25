"""The grammar accepts its own strings, rejects altered ones, and codes them as it should."""

import random
from math import log

import pytest
import torch

from carrousel.lab.tasks import Reber, grammar
from carrousel.lab.tasks.reber import bigram_entropy, encode, grammar_entropy

# Strings of the plain grammar as printed in the literature, wrapped by hand.
KNOWN = ["BTBTSSXXTVVETE", "BPBPVVEPE", "BTBTXXVPSETE", "BPBTSXSEPE", "BPBPTVPXTVVEPE"]


@pytest.mark.parametrize("text", KNOWN)
def test_known_strings_are_accepted(text):
    assert grammar.accepts(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("BTBPVVEPE", "the second symbol is not repeated"),
        ("BTBPVVETX", "a wrong last symbol"),
        ("BTBPVVET", "it does not end"),
        ("BTBPVVETEE", "something after the end"),
        ("BTBPPVETE", "a step that no state allows"),
        ("TBPVVET", "no B at the start"),
        ("", "nothing"),
    ],
)
def test_altered_strings_are_rejected(text, why):
    assert not grammar.accepts(text), why


def test_generated_strings_are_accepted_and_every_single_substitution_is_judged_by_the_table():
    rng = random.Random(0)
    for _ in range(50):
        text = grammar.string(rng)
        assert grammar.accepts(text)
        place = rng.randrange(len(text))
        options = (["B"] + grammar.successors(text))[place]  # noqa: RUF005
        for symbol in set(grammar.SYMBOLS) - set(options):
            assert not grammar.accepts(text[:place] + symbol + text[place + 1 :])


def test_successors_of_a_hand_worked_example():
    assert grammar.successors("BTBPVVETE") == ["TP", "B", "TP", "TV", "PV", "E", "T", "E"]


def test_an_error_names_the_symbol_and_what_may_stand_there():
    with pytest.raises(ValueError, match="symbol 3 is 'X', where T or P may stand"):
        grammar.walk("BTBXVVETE")


def test_encoding_pads_short_strings_with_steps_at_which_nothing_is_asked():
    batch = encode(["BTBPVVETE", "BPBTSXSEPE"])  # 9 and 10 symbols
    assert batch.inputs.shape == (9, 2, 7)
    said = "".join(grammar.SYMBOLS[code] for code in batch.target[:, 1])
    assert said == "PBTSXSEPE"
    assert batch.target[:, 0].tolist()[-1] == -1
    assert not batch.allowed[-1, 0].any()
    assert batch.allowed.sum(-1)[:, 1].tolist() == [2, 1, 2, 2, 2, 2, 1, 1, 1]


def test_right_means_that_the_allowed_symbols_are_the_most_active_at_every_step():
    task = Reber()
    batch = encode(["BTBPVVETE", "BPBTSXSEPE"])
    output = batch.allowed.float() * 2
    assert task.right(output, batch).tolist() == [True, True]
    output[2, 0, grammar.SYMBOLS.index("T")] = -1.0  # allowed, but less active than the others
    assert task.right(output, batch).tolist() == [False, True]


def test_floors_of_the_loss_with_and_without_memory():
    # A walk: each branch costs ln 2; half of the strings have 9 symbols or fewer, mean about 11.5.
    assert 0.35 < grammar_entropy() < log(2)
    assert grammar_entropy() < 0.5 * bigram_entropy()
    task, batch = Reber(), Reber().batch(400, torch.Generator().manual_seed(3))
    perfect = torch.where(batch.allowed, 0.0, -1e4)
    assert float(task.loss(perfect, batch)) == pytest.approx(grammar_entropy(), rel=0.05)
