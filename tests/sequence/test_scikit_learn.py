"""scikit-learn's own checks, and its tools around sequences of unequal length."""

import warnings

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator

from carrousel import SequenceClassifier
from carrousel.sequence import SequenceRegressor
from carrousel.sequence.companion import convolutions

from .toy import ALONE, waves

SMALL = {
    "hidden_size": 4,
    "ensemble": 1,
    "convolution": False,
    "companion": False,
    "batch_size": 16,
}
LENGTHS = "rows of a table are series of one channel, and series may be shorter or longer"
FRAMES = "whether a row of a data frame is a sequence or a step cannot be told: read_table is told"
SHARED = {
    "check_n_features_in": LENGTHS,
    "check_n_features_in_after_fitting": LENGTHS,
    "check_estimators_partial_fit_n_features": LENGTHS,
}
CANNOT = {
    "SequenceClassifier": {
        **SHARED,
        "check_classifier_data_not_an_array": FRAMES,
        "check_classifiers_train": f"asks for an error at the end: {LENGTHS}",
        "check_supervised_y_2d": "a column of labels is refused with what is accepted",
    },
    "SequenceRegressor": {
        **SHARED,
        "check_regressor_data_not_an_array": FRAMES,
        "check_regressors_train": f"asks for an error at the end: {LENGTHS}",
        "check_supervised_y_2d": "targets with two axes are several numbers, so are the answers",
    },
}


def checks() -> list:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are estimators of another family
        for estimator in (
            SequenceClassifier(**SMALL, epochs=40, learning_rate=0.02),
            SequenceRegressor(**SMALL, epochs=2),
        ):
            cannot = CANNOT[type(estimator).__name__]
            found += list(
                estimator_checks_generator(
                    estimator, legacy=True, expected_failed_checks=cannot, mark="xfail"
                )
            )
    return found


@pytest.mark.parametrize(("estimator", "check"), checks())
def test_scikit_learns_checks(estimator, check, monkeypatch):
    monkeypatch.setattr(convolutions, "WIDTHS", (336, 336))  # faster
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the checks themselves
        check(estimator)


def test_validation_grid_search_and_pipelines_take_lists():
    X, y = waves(36)
    quick = {**ALONE, "epochs": 4}
    scores = cross_val_score(SequenceClassifier(**quick), X, y, cv=3)
    assert scores.shape == (3,)
    chances = cross_val_predict(SequenceClassifier(**quick), X, y, cv=2, method="predict_proba")
    assert chances.shape == (36, 2)
    search = GridSearchCV(SequenceClassifier(**quick), {"hidden_size": [2, 4]}, cv=2).fit(X, y)
    assert search.best_params_["hidden_size"] in (2, 4)
    louder = FunctionTransformer(lambda sequences: [2 * x for x in sequences])
    assert make_pipeline(louder, SequenceClassifier(**quick)).fit(X, y).predict(X).shape == (36,)
    numbers = np.array([x.mean() for x in X])
    assert cross_val_score(SequenceRegressor(**quick), X, numbers, cv=2).shape == (2,)


@pytest.mark.parametrize("state", [None, 3, np.random.RandomState(0), np.random.default_rng(0)])
def test_random_states_are_scikit_learns(state):
    X, y = waves(12)
    model = SequenceClassifier(**{**ALONE, "epochs": 1, "random_state": state}).fit(X, y)
    assert model.predict_proba(X).shape == (12, 2)
