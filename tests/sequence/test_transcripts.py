"""What was heard against what is said: figures by hand, and a page."""

import pytest

from carrousel.sequence import Transcriber
from carrousel.sequence.evaluation.transcripts import TranscriptEvaluation, render_transcripts

SAID = ["one two", "six", "six six", "<b> two"]
HEARD = ["one two two", "six", "one six", "two"]


@pytest.fixture
def found():
    return TranscriptEvaluation(list("abcd"), SAID, HEARD, [0.5, 0.9, 0.8, 0.7])


def test_figures_are_those_of_counting(found):
    told = found.summary()
    assert (told["recordings"], told["words"]) == (4, 7)
    assert told["word_error_rate"] == pytest.approx(3 / 7)
    assert told["string_error_rate"] == 3 / 4
    assert [row["wrong words"] for row in found.rows] == [1, 0, 1, 1]
    one, two = found.by_length()
    assert list(one.values()) == [1, 1, 0, 0, 0, 0]
    # One word invented, one taken for another, one not heard.
    assert list(two.values()) == [2, 3, 1, 1, 1, 3]


def test_the_surest_mistakes_come_first(found):
    assert [row["recording"] for row in found.mistakes()] == ["c", "d", "a"]
    assert len(found.mistakes(1)) == 1


def test_the_page_shows_texts_as_text(found):
    page = render_transcripts(found, "a < b", settings={"units": "words"})
    assert "&lt;b&gt; two" in page
    assert "<b> two" not in page
    assert "a &lt; b" in page
    right = TranscriptEvaluation(["a"], ["one"], ["one"], [1.0])
    assert "There are none." in render_transcripts(right, "")


def test_a_model_is_compared_with_texts_only():
    X, y = [[[0.0], [1.0], [0.0]]] * 3, ["a", "a", ""]
    model = Transcriber(hidden_size=2, epochs=1).fit(X, y)
    found = model.evaluate(X, y)
    assert found.names == ["0", "1", "2"]
    assert [row["said"] for row in found.rows] == y
    with pytest.raises(TypeError, match="y must be texts"):
        model.evaluate(X, [["a"]] * 3)
