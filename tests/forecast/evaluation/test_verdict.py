"""The verdict tells who won, also when it is not us."""

import re

import pytest

from carrousel.forecast.evaluation.verdict import verdict

CASES = {
    "we win": ((4.0, 0.5), (8.0, 1.0), r"^carrousel won: its MASE is 50% below .* other, naive\.$"),
    "they win": ((8.0, 1.2), (9.0, 1.0), r"^The naive method won here \(MASE 1 against our 1\.2\)"),
    "a tie is not a win": ((5.0, 1.0), (5.0, 1.0), r"^The naive method won"),
    "hardly a win": ((4.0, 0.998), (8.0, 1.0), r"^carrousel and the naive .* are equally good"),
    "measures disagree": ((8.0, 0.5), (4.0, 1.0), r"By sMAPE, naive was better \(sMAPE 4 against"),
    "no MASE": ((8.0, None), (4.0, None), r"^The naive method won here \(sMAPE 4 against our 8\)"),
    "no values": ((None, None), (None, None), r"all missing"),
}


def means(smape, mase):
    return {"smape": smape, "mase": mase}


@pytest.mark.parametrize("case", CASES)
def test_verdict(case):
    ours, theirs, message = CASES[case]
    assert re.search(message, verdict({"carrousel": means(*ours), "naive": means(*theirs)}))


def test_the_best_of_several_others_is_named():
    others = {"seasonal naive (12)": means(4.0, 0.7), "naive": means(8.0, 1.0)}
    assert "best other, seasonal naive (12)." in verdict({"carrousel": means(2, 0.5), **others})


def test_nothing_to_compare_with():
    assert "no other method" in verdict({"carrousel": means(4.0, 0.5)})
