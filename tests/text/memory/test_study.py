"""The study finds what was planted, and does not find what was not."""

import numpy as np
import pytest
import torch
from tests.text.toy import Toy

import carrousel
from carrousel.text.memory.sentences import Line, words
from carrousel.text.memory.study import StudyOptions, in_pieces, study
from carrousel.text.memory.templates import CONTENT, sentences

FEW = StudyOptions(each=2, replacements=2, own=12)


def planted(content: float, determiner: float, cell=carrousel.LSTM) -> Toy:
    """Content words write unit 0, of which ``content`` is kept at each step; determiners unit 1."""
    kinds = {
        text: piece.kind
        for sentence in sentences("english", 8)
        for piece in sentence.pieces
        for text in (piece.text, piece.text.lower(), piece.text.capitalize(), *piece.others)
    }
    model = Toy(cell(2, 2), ["\n", *kinds])
    sizes = torch.rand(len(kinds), generator=torch.Generator().manual_seed(0)) * 2 - 1
    layer = model.module.layer
    with torch.no_grad():
        model.module.embedding.weight.zero_()
        for token, (kind, size) in enumerate(zip(kinds.values(), sizes, strict=True), 1):
            model.module.embedding.weight[token, 0] = size * (kind in CONTENT)
            model.module.embedding.weight[token, 1] = size * (kind == "determiner")
        for parameter in layer.parameters():
            parameter.zero_()
        layer.bias_ih_l0[2:4] = torch.logit(torch.tensor([content, determiner]))
        layer.weight_ih_l0[4:6] = 2 * torch.eye(2)  # the candidate
        layer.bias_ih_l0[:2] = -3.0  # little is written at a time: nothing saturates
        layer.bias_ih_l0[6:8] = 3.0
        model.module.head.weight[:, 1] = model.module.head.weight[:, 0].flip(0)
    return model


@pytest.mark.parametrize(
    ("content", "determiner", "verdict"), [(0.9, 0.5, "more"), (0.5, 0.9, "less")]
)
def test_planted(content, determiner, verdict):
    found = study(planted(content, determiner), "english", FEW)
    for measure in ("survival", "change, same kind"):
        effect = found.effects[measure, "content words, determiners"]
        assert effect.verdict == verdict, measure
    seen = found.observations["survival"]
    for kind, gate in (("noun", content), ("determiner", determiner)):
        chosen = seen.kind == kind
        np.testing.assert_allclose(seen.values[chosen], gate ** seen.distance[chosen], rtol=1e-4)


def test_no_difference_where_there_is_none():
    """Both are kept equally: distances alone make no effect."""
    found = study(planted(0.8, 0.8), "english", FEW)
    effect = found.effects["survival", "content words, determiners"]
    assert effect.difference == pytest.approx(0, abs=1e-6)


def test_rows_and_steps():
    seen = []
    found = study(planted(0.9, 0.5), "english", FEW, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(seen), len(seen))
    rows = found.rows()
    assert {row["measure"] for row in rows} == {
        "survival", "share", "change, any word", "change, same kind"
    }  # fmt: skip
    assert all(row["low"] <= row["difference"] <= row["high"] for row in rows)
    assert found.sentences == 48
    assert found.in_pieces == []


def test_plain_rnn_is_studied_by_its_changes():
    model = planted(0.9, 0.5)
    rnn = Toy(carrousel.RNN(2, 2), model.vocabulary)
    assert set(study(rnn, "english", FEW).observations) == {"change, any word", "change, same kind"}


def test_words_in_pieces_are_named():
    class Letters(Toy):
        def pieces(self, text):
            return [(0, 0)] + [(1, end + 1) for end in range(len(text))]

    model = Letters(carrousel.LSTM(2, 3))
    assert in_pieces(model, [Line.of(model, "a un chat", words("a un chat"))]) == ["un", "chat"]
