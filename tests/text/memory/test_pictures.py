"""Figures and pages hold what they show, for one word and for one layer of two."""

import io
from html.parser import HTMLParser

import pytest
from tests.text.memory.test_study import FEW, planted
from tests.text.neurons.test_analysis import TEXT, Letters, follows
from tests.text.toy import Toy

import carrousel
from carrousel.text.memory import Options, memory
from carrousel.text.memory.study import study
from carrousel.text.neurons.analysis import neurons

QUICK = Options(replacements=2, sentences=4)


def drawn(figure) -> None:
    figure.savefig(io.BytesIO(), format="png")


def test_words_are_on_the_axis():
    figure = memory(Toy(carrousel.LSTM(2, 4)), "un hamburger et le chat", QUICK).plot()
    drawn(figure)
    labels = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert labels == ["un", "hamburger", "et", "le", "chat"]
    assert len(figure.axes) == 4


@pytest.mark.parametrize("layer", [carrousel.RNN(2, 3), carrousel.GRU(2, 3)])
def test_one_word(layer):
    drawn(memory(Toy(layer), "chat", QUICK).plot())


def test_layer_of_two():
    found = memory(Toy(carrousel.GRU(2, 3, num_layers=2)), "le chat", QUICK)
    drawn(found.plot(layer=1))
    with pytest.raises(ValueError, match="layer must be one of the model's 2, got 2"):
        found.plot(layer=2)


def test_study():
    figure = study(planted(0.9, 0.5), "english", FEW).plot()
    drawn(figure)
    assert "content − determiners: +" in figure.axes[0].get_title()


class Words(HTMLParser):
    def __init__(self):
        super().__init__()
        self.spans: list[str] = []
        self.inside = False

    def handle_starttag(self, tag, attributes):
        self.inside = tag == "span"

    def handle_data(self, data):
        if self.inside:
            self.spans.append(data)

    def handle_endtag(self, tag):
        self.inside = False


def test_page_holds_the_held_out_text():
    found = neurons(Letters({1: follows("inside quotes")}), TEXT, ["inside quotes"])
    parser = Words()
    parser.feed(found.to_html())
    assert "".join(parser.spans) in TEXT[int(found.ends[found.split - 1]) :]
    assert '"oui"' in "".join(parser.spans)
    drawn(found.plot())


def test_page_escapes():
    class All(Letters):
        def pieces(self, text):
            return [(0, 0), *((1, end) for end in range(1, len(text) + 1))]

    found = neurons(All({}), TEXT.replace("non", "<script>&"), ["vowel"])
    assert "<script>" not in found.to_html()
    assert "&lt;script&gt;&amp;" in found.to_html().replace("</span>", "").split("<pre>")[0]
