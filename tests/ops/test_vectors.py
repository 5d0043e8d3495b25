"""The shared vectors: the reference still makes them, and the kernel sees the same.

The page's JavaScript is held to the same file by ``tests/web/js/windows.test.js``.
"""

import json

import numpy as np
import pytest

from carrousel.ops import windows
from carrousel.ops.constants import WINDOW

from ..vectors import windows as vectors

STORED = json.loads(vectors.FILE.read_text("utf-8"))
CASES = STORED["cases"]
NEAR = 1e-8  # of the largest of a kind: they are stored with ten digits


def _close(found, stored, name):
    stored = np.array(stored, dtype=np.float64)
    largest = max(float(np.abs(stored).max(initial=0)), 1e-12)
    np.testing.assert_allclose(found, stored, rtol=NEAR, atol=NEAR * largest, err_msg=name)


def test_they_are_what_the_reference_makes_today():
    """If this fails on purpose: ``python -m tests.vectors.windows``."""
    assert STORED["constants"] == WINDOW._asdict()
    made = vectors.cases()
    assert [case["name"] for case in made] == [case["name"] for case in CASES]
    for case, stored in zip(made, CASES, strict=True):
        assert case["history"] == stored["history"]
        for name in vectors.seen(stored):
            _close(case[name], stored[name], name)


@pytest.mark.parametrize("last", [False, True], ids=["every step", "the last step"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_kernel_sees_what_is_stored(case, last):
    history, offset, anchors, backs, prior = vectors.windows(case)
    seen = windows.look(history, anchors, backs, offset, prior, last)
    _close(seen.features[0], case["features"], "features")
    which = slice(-1, None) if last else vectors.asked(case["shape"]["steps"])
    _close(seen.anchors[0, which], case["anchors"][-1:] if last else case["anchors"], "anchors")
    for name in ("values", "mask", "level", "scale", "size", "age"):
        stored = case[name][-1:] if last else case[name]
        _close(getattr(seen.scaled, name)[0], stored, name)
    _close(seen.scaled.absolute()[0], case["origin"], "origin")


def test_every_shape_and_every_kind_of_series_is_there():
    names = {tuple(case["name"].split(": ")) for case in CASES}
    assert {shape for shape, _ in names} == set(vectors.SHAPES)
    assert {kind for _, kind in names} == set(vectors.KINDS)
