"""Who won, in words."""

from collections.abc import Mapping

from .metrics import DECIDES, METRICS

LABELS = {metric.name: metric.label for metric in METRICS}
EQUAL = 0.005  # a gain that is none


def verdict(means: Mapping[str, Mapping[str, float | None]]) -> str:
    """Who won, plainly, from the mean scores of each method, ours first. The first metric of
    ``DECIDES`` that has a value decides; where the other disagrees, that is said too.

    >>> print(verdict({"carrousel": {"mase": 0.5, "smape": 4}, "naive": {"mase": 1, "smape": 8}}))
    carrousel won: its MASE is 50% below that of the best other, naive.
    """
    ours, *rest = means
    scores = {key: {name: means[name][key] for name in means} for key in DECIDES}
    known = {key: {n: v for n, v in of.items() if v is not None} for key, of in scores.items()}
    measures = [key for key in DECIDES if ours in known[key]]
    if not measures:
        return "The held-out values are all missing: nothing can be said about accuracy."
    if not rest:
        return "Nothing was compared: no other method was asked for."
    first = measures[0]
    best, against = _best_other(known[first], ours, first)
    mine, theirs = known[first][ours], known[first][best]
    if theirs <= mine:
        return (
            f"The {best} method won here ({against}): prefer it for these series, or give more "
            "history."
        )
    gain = 1 - mine / theirs
    if gain < EQUAL:
        return f"{ours} and the {best} method are equally good here ({against})."
    text = f"{ours} won: its {LABELS[first]} is {gain:.0%} below that of the best other, {best}."
    for second in measures[1:]:
        rival, against = _best_other(known[second], ours, second)
        if known[second][rival] < known[second][ours]:
            text += f" By {LABELS[second]}, {rival} was better ({against})."
    return text


def _best_other(scores: Mapping[str, float], ours: str, key: str) -> tuple[str, str]:
    """The best of the other methods, and its score beside ours."""
    best = min((name for name in scores if name != ours), key=lambda name: scores[name])
    return best, f"{LABELS[key]} {scores[best]:.3g} against our {scores[ours]:.3g}"
