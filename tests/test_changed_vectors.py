"""The shared vectors of changed networks: carrousel.intervene still gives them.

The page's JavaScript is held to the same file by ``tests/web/js/changes.test.js``.
"""

import json

import numpy as np
import pytest

from .vectors import changes

STORED = {case["name"]: case for case in json.loads(changes.FILE.read_text("utf-8"))}


@pytest.mark.parametrize("name", list(changes.CHANGES))
def test_they_are_what_a_changed_run_gives_today(name):
    """If this fails on purpose: ``python -m tests.vectors.changes``."""
    made, stored = changes.case(name), STORED[name]
    assert made["changes"] == stored["changes"]
    assert made["model"] == stored["model"]
    np.testing.assert_allclose(made["output"], stored["output"], rtol=1e-8, atol=1e-9)
    for ours, theirs in zip(made["layers"], stored["layers"], strict=True):
        for state in theirs:
            np.testing.assert_allclose(ours[state], theirs[state], rtol=1e-8, atol=1e-9)
