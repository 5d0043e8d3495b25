"""The laboratory: what is claimed of recurrent networks, as experiments that anyone can run.

``carrousel lab NAME`` on the command line; here::

    from carrousel import lab
    outcome = lab.run("adding", lab.Options(quick=True))

:func:`carrousel.lab.cell.step` gives every intermediate value of one step of a cell.
"""

import time
from importlib import import_module
from typing import cast

from ..storage.tempfiles import with_lock
from ..wording import one_of
from .outcome import Experiment, Finding, Options, Outcome, save

MODULES = {
    "vanishing": "vanishing",
    "constant-error": "constant_error",
    "recall": "recall",
    "held-gate": "held_gate",
    "adding": "adding",
    "copy": "copying",
    "temporal-order": "temporal_order",
    "reber": "reber",
}

__all__ = ["MODULES", "Finding", "Options", "Outcome", "experiment", "run", "save"]


def experiment(name: str) -> Experiment:
    """The module of an experiment: ``ABOUT`` and ``run``."""
    one_of("name", name, MODULES)
    return cast(Experiment, import_module(f".experiments.{MODULES[name]}", __name__))


def run(name: str, options: Options | None = None) -> Outcome:
    """Run an experiment and write its table, picture and JSON to ``options.folder``.

    Raises:
        ValueError: There is no such experiment.
        BlockingIOError: Another run writes to the folder: their results would mix.
    """
    chosen, options = experiment(name), options or Options()
    options.folder.mkdir(parents=True, exist_ok=True)  # found unwritable before the work, not after
    with with_lock(options.folder, wait=False):
        begin = time.perf_counter()
        outcome = chosen.run(options)
        outcome.seconds = time.perf_counter() - begin
        save(outcome, options)
    return outcome
