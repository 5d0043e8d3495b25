"""Tables and bars on a terminal."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from carrousel import console
from carrousel.console import Bar, table


def shown(made, width=60):
    look = {"highlight": False, "markup": False, "soft_wrap": True}  # as console()
    screen = Console(file=io.StringIO(), width=width, **look)
    screen.print(made)
    return screen.file.getvalue()


def test_words_stand_to_the_left_and_numbers_to_the_right():
    rows = [{"word": "a", "share": 0.25}, {"word": "longer", "share": 10.0}]
    head, _, first, second = (
        line[1:].rstrip() for line in shown(table(rows, ("word",))).split("\n")[1:5]
    )
    assert (head, first, second) == ("word      share", "a         0.250", "longer   10.000")


def test_brackets_are_no_markup_and_texts_keep_their_style():
    made = table([{"a": "[bold]x[/]", "b": Text("y", style="red"), "c": None}])
    assert "[bold]x[/]" in shown(made)
    assert "y" in shown(made)
    assert "None" not in shown(made)


def test_a_title_stands_above_a_frame():
    title, frame, *_ = shown(table([{"method": 1}], title="scores")).splitlines()
    assert (title.strip(), frame[0]) == ("scores", "┏")


def test_columns_take_several_lines_only_where_they_may():
    row = {"a": "one two three four", "b": "five six seven eight"}
    lines = shown(table([row], row, wrapped=("b",)), width=32).splitlines()
    assert any("one two three four" in line for line in lines)
    assert not any("five six seven eight" in line for line in lines)


@pytest.mark.parametrize("title", [None, "scores"])
@pytest.mark.parametrize("width", [42, 80, 200])
def test_no_number_is_cut_off_where_the_terminal_is_narrow(title, width):
    names = ["carrousel", "seasonal naive (7)"]
    rows = [{"method": name, **{f"metric {k}": k + 0.125 for k in range(9)}} for name in names]
    told = shown(table(rows, ("method",), title=title), width)
    assert "\N{HORIZONTAL ELLIPSIS}" not in told
    assert max(map(len, told.splitlines())) <= width
    for k in range(9):
        assert told.count(f"metric {k}") == 1
        assert told.count(f"{k + 0.125:.3f}") == 2
    assert told.count("carrousel") == told.count("method")  # the words stand beside each part
    assert told.count("scores") == (title is not None)


@pytest.mark.parametrize("wrapped", [(), ("method",)])
@pytest.mark.parametrize("width", [1, 10, 25])
def test_no_number_is_cut_off_where_not_even_one_column_fits(width, wrapped):
    rows = [{"method": "seasonal naive (7)", "first": 1.125, "second": 2.125}]
    told = shown(table(rows, ("method",), title="scores", wrapped=wrapped), width)
    assert all(text in told for text in ("first", "1.125", "second", "2.125", "seasonal"))


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("watched", [True, False])
def test_a_bar_is_there_where_somebody_watches(watched, monkeypatch):
    stream = Terminal() if watched else io.StringIO()
    screen = Console(file=stream, force_terminal=watched, width=80, highlight=False, markup=False)
    monkeypatch.setattr(console, "console", lambda stderr: screen)
    with Bar("work [1]") as bar:
        bar.expect(4)
        bar.advance(1, "work [2]")
        bar.show(2, 4, pace="loss 0.5")
        bar.note("a line [that] stays")
    said = stream.getvalue()
    assert "a line [that] stays" in said
    assert ("work [2]" in said and "50 %" in said and "loss 0.5" in said) == watched
