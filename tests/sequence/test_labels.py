"""Labels of any kind, there and back."""

import datetime
import json

import numpy as np
import pytest

from carrousel.sequence.labels import Labels, as_array, as_objects, check_labels

KINDS = {
    "text": ["b", "a", "é"],
    "whole numbers": [3, 1, 2],
    "whole numbers as floats": [3.0, 1.0],
    "flags": [True, False],
    "tuples": [("a", 1), ("b", (2, "c"))],
    "mixed": ["a", 1, ("x", 2.0), b"\x00", True],
    "one and true": [1, True, "1"],
    "dates": [datetime.date(2024, 1, 2), datetime.date(2023, 1, 1)],
    "times": [datetime.datetime(2024, 1, 2, 3), datetime.datetime(2023, 1, 1)],
    "numpy's text": np.array(["long label", "b"]),
    "small numbers": np.array([3, 1], np.int8),
    "objects": as_objects(["b", 2]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_labels_come_back_as_they_were(kind):
    values = KINDS[kind]
    labels = Labels([*values, *values])
    assert len(labels) == len(values)
    again = labels.classes[labels.codes(values)].tolist()
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    assert again == plain
    assert [type(one) for one in again] == [type(one) for one in plain]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_survive_a_file(kind):
    labels = Labels(KINDS[kind])
    again = Labels.from_dict(json.loads(json.dumps(labels.to_dict())))
    assert again.classes.tolist() == labels.classes.tolist()
    assert again.classes.dtype == labels.classes.dtype
    assert again.codes(KINDS[kind]).tolist() == labels.codes(KINDS[kind]).tolist()


def test_classes_are_sorted_as_numpy_sorts_them():
    values = np.random.default_rng(0).integers(-50, 50, 200)
    assert Labels(values).classes.tolist() == np.unique(values).tolist()
    assert (
        Labels(values).codes(values).tolist() == np.unique(values, return_inverse=True)[1].tolist()
    )


def test_a_label_that_was_not_learned_is_named():
    with pytest.raises(
        ValueError, match=r"y must hold labels that were learned \('a', 'b'\), got 'c'"
    ):
        Labels(["a", "b"]).codes(["a", "c"])


def test_what_cannot_be_written_is_refused():
    with pytest.raises(ValueError, match="is a frozenset and cannot be written"):
        Labels([frozenset("ab"), frozenset("c")]).to_dict()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "NaN and None are none"),
        (float("nan"), "NaN and None are none"),
        (0.5, "SequenceRegressor"),
        ([1], "hashable"),
        (([1],), "hashable"),
    ],
)
def test_what_is_no_label_is_refused_by_its_place(value, why):
    with pytest.raises(ValueError, match=rf"y\[1\] must be a.*{why}"):
        check_labels(as_array(["a", value]) if value != 0.5 else np.array([1.0, 0.5]))


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"dtype": "<i8", "values": [["whole", 1], ["whole", 1]]},
        {"dtype": "<i8", "values": [["text", "a"]]},
        {"dtype": "M8[s]", "values": [["whole", 1]]},
        {"dtype": "no", "values": []},
        {"dtype": "object", "values": [["other", 1]]},
        {"dtype": "object", "values": [["whole", "1"]]},
        {"dtype": "object", "values": ["a"]},
        {"dtype": "object", "values": [["bytes", "zz"]]},
        {"dtype": "object", "values": [["date", [2024, 13, 1]]]},
    ],
)
def test_lies_in_a_file_are_refused(data):
    with pytest.raises(ValueError, match=r"."):
        Labels.from_dict(data)
