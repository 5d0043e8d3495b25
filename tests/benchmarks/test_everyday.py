"""Which sentences are made of frequent words."""

from benchmarks.everyday import everyday

LINES = ["Il a un chat.", "Il a un chien.", "Il a un boisson.", "Il a un poisson.", "", "Il a."]


def test_lines_with_a_rare_word_are_left_out():
    assert everyday(LINES, 4, also=()) == ["Il a un poisson.", "Il a."]  # poisson is the study's


def test_named_words_are_kept_however_rare():
    assert everyday(LINES, 4, also=("chat",))[0] == "Il a un chat."
    assert "Il a un boisson." in everyday(LINES, 4)


def test_enough_words_keep_every_line():
    assert everyday(LINES, 100) == [line for line in LINES if line]
