"""The style sheets have the colors of the palette."""

import re

import pytest

from carrousel.colors import COLORS, DARK, NEGATIVE, POSITIVE

from .imports import ROOT

EXPLORER = ROOT / "web" / "static" / "style.css"
REPORT = ROOT / "forecast" / "evaluation" / "report" / "page.css"


def variables(path):
    """Colors by name on light and on dark ground, as ``#rrggbb`` in small letters."""
    blocks = re.findall(r":root[^{]*\{(.*?)\}", path.read_text("utf-8"), re.DOTALL)
    return [
        {name: whole(value) for name, value in re.findall(r"--([a-z-]+): (#[0-9a-f]+);", block)}
        for block in blocks[:2]
    ]


def whole(value):
    digits = value[1:]
    return f"#{digits if len(digits) == 6 else ''.join(2 * digit for digit in digits)}"


@pytest.mark.parametrize(("ground", "palette"), [(0, COLORS), (1, DARK)], ids=["light", "dark"])
def test_the_explorer_has_the_color_of_each_gate_and_state(ground, palette):
    found = variables(EXPLORER)[ground]
    assert {name: found[name] for name in palette} == {
        name: value.lower() for name, value in palette.items()
    }


def test_signed_values_have_the_colors_of_pictures():
    light = variables(EXPLORER)[0]
    assert (light["negative"], light["positive"]) == (NEGATIVE.lower(), POSITIVE.lower())


@pytest.mark.parametrize("ground", [0, 1], ids=["light", "dark"])
def test_a_gates_color_is_nobody_elses(ground):
    found = variables(EXPLORER)[ground]
    gates = {name: found[name] for name in COLORS if name != "series"}
    others = [value for name, value in found.items() if name not in gates]
    assert len(set(gates.values())) == len(gates), "each has its own"
    assert not set(gates.values()) & set(others)


def test_only_gates_and_states_are_painted_in_their_colors():
    gates = "|".join(name for name in COLORS if name != "series")
    for path in EXPLORER.parent.rglob("*.css"):
        for rule in re.findall(r"[^{}]+\{[^{}]*\}", path.read_text("utf-8")):
            if re.search(rf"var\(--(?:{gates})\)", rule):
                assert re.search(r"\[data-(?:gate|wire)", rule.split("{")[0]), (path.name, rule)
    for path in EXPLORER.parent.rglob("*.js"):
        assert not re.search(rf'"--(?:{gates})"', path.read_text("utf-8")), path.name


@pytest.mark.parametrize("ground", [0, 1], ids=["light", "dark"])
def test_the_report_stands_on_the_explorers_ground(ground):
    ours, theirs = variables(REPORT)[ground], variables(EXPLORER)[ground]
    names = ours.keys() & theirs.keys()
    assert {"ground", "paper", "ink", "soft", "line"} <= names
    assert not names & COLORS.keys(), "the report gets them from the palette"
    assert {name: ours[name] for name in names} == {name: theirs[name] for name in names}


def test_both_grounds_name_the_same_colors():
    assert COLORS.keys() == DARK.keys()
