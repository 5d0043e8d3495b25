"""The table and the verdict tell who won, also when it is not us."""

import re

import numpy as np
import pytest

from carrousel.cli.report import score_table, verdict
from carrousel.cli.scores import Score

NAN = float("nan")


def score(name: str, smape: float, mase: float) -> Score:
    return Score(name, np.array([smape, NAN]), np.array([mase, NAN]), {80: np.array([0.75, NAN])})


CASES = {
    "we win": ((4.0, 0.5), (8.0, 1.0), r"^carrousel won: its MASE is 50% below .* other, naive\.$"),
    "they win": ((8.0, 1.2), (9.0, 1.0), r"^The naive method won here \(MASE 1 against our 1\.2\)"),
    "a tie is not a win": ((5.0, 1.0), (5.0, 1.0), r"^The naive method won"),
    "hardly a win": ((4.0, 0.998), (8.0, 1.0), r"^carrousel and the naive .* are equally good"),
    "measures disagree": ((8.0, 0.5), (4.0, 1.0), r"By sMAPE, naive was better \(sMAPE 4 against"),
    "no MASE": ((8.0, NAN), (4.0, NAN), r"^The naive method won here \(sMAPE 4 against our 8\)"),
    "no values": ((NAN, NAN), (NAN, NAN), r"all missing"),
}


@pytest.mark.parametrize("case", CASES)
def test_verdict(case):
    ours, theirs, message = CASES[case]
    scores = [score("carrousel", *ours), score("naive", *theirs)]
    assert re.search(message, verdict(scores))
    assert score_table(scores, "title").row_count == 2
