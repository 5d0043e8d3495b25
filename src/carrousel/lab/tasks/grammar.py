"""The embedded Reber grammar (Reber 1967; Smith & Zipser 1989) as a finite automaton.

A string of the plain grammar is ``B``, a walk through ``PLAIN`` from state 0 to the end, ``E``. A
string of the embedded grammar is ``B x <plain string> x E`` with the same x in {T, P} at both
places: to know the last symbol but one, the second has to be remembered, over a walk of any length.
"""

import random

SYMBOLS = "BTPSXVE"

# state -> the symbols that may follow and the state each leads to; 5 is the end
PLAIN: dict[int, dict[str, int]] = {
    0: {"T": 1, "P": 2},
    1: {"S": 1, "X": 3},
    2: {"T": 2, "V": 4},
    3: {"X": 2, "S": 5},
    4: {"P": 3, "V": 5},
}


def _embed() -> dict[str, dict[str, str]]:
    """The plain automaton twice, between the two equal symbols: what remembers x is the state."""
    table = {"start": {"B": "branch"}, "branch": {}, "last": {"E": "done"}, "done": {}}
    for x in "TP":
        table["branch"][x] = f"{x} open"
        table[f"{x} open"] = {"B": f"{x}0"}
        for state, edges in PLAIN.items():
            table[f"{x}{state}"] = {symbol: f"{x}{after}" for symbol, after in edges.items()}
        table[f"{x}5"] = {"E": f"{x} close"}
        table[f"{x} close"] = {x: "last"}
    return table


EMBEDDED = _embed()


def string(rng: random.Random) -> str:
    """One string of the embedded grammar, each branch with probability one half.

    >>> accepts(string(random.Random(0)))
    True
    """
    state, text = "start", ""
    while state != "done":
        symbol = rng.choice(list(EMBEDDED[state]))
        text, state = text + symbol, EMBEDDED[state][symbol]
    return text


def walk(text: str) -> list[str]:
    """The state after each symbol; ``ValueError`` where ``text`` leaves the grammar.

    >>> walk("BTBPVVETE")
    ['branch', 'T open', 'T0', 'T2', 'T4', 'T5', 'T close', 'last', 'done']
    """
    state, states = "start", []
    for place, symbol in enumerate(text):
        if symbol not in EMBEDDED[state]:
            options = " or ".join(EMBEDDED[state]) or "nothing"
            raise ValueError(
                f"{text!r} is no string of the embedded Reber grammar: "
                f"symbol {place} is {symbol!r}, where {options} may stand"
            )
        state = EMBEDDED[state][symbol]
        states.append(state)
    if state != "done":
        raise ValueError(f"{text!r} is no string of the embedded Reber grammar: it does not end")
    return states


def successors(text: str) -> list[str]:
    """After each symbol of a string but the last: the symbols that the grammar allows next.

    >>> successors("BTBPVVETE")
    ['TP', 'B', 'TP', 'TV', 'PV', 'E', 'T', 'E']
    """
    return ["".join(EMBEDDED[state]) for state in walk(text)[:-1]]


def accepts(text: str) -> bool:
    """Whether ``text`` is a string of the embedded grammar."""
    try:
        walk(text)
    except ValueError:
        return False
    return True
