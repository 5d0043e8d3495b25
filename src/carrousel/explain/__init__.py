"""What a recurrent network remembered, for how long, and what its answer relied on.

Accountings are functions of a record (:func:`ledger`, :func:`survival`, :func:`influence`,
:func:`half_life`);
:func:`gradient_flow`, :func:`attribute` and :func:`fidelity` ask the model. An accounting adds up
exactly, which does not make it a cause: :func:`fidelity` tests what an attribution claims,
:func:`activation_patching` and :func:`ablation_curves` change the states themselves.
"""

from .ablation import Ablation, ablation_curves
from .accounting import Ledger, Projection, ledger, survival
from .attribution import METHODS, Attribution, attribute
from .dictionary import ReplacedWrites, WriteDictionary, replace_writes, write_dictionary
from .directions import Probe, Steering, probe, steer
from .faithfulness import Fidelity, fidelity
from .flow import GradientFlow, gradient_flow
from .halflife import HalfLife, half_life
from .pairs import Influence, influence
from .patching import Patching, activation_patching
from .replacing import Place

__all__ = [
    "METHODS",
    "Ablation",
    "Attribution",
    "Fidelity",
    "GradientFlow",
    "HalfLife",
    "Influence",
    "Ledger",
    "Patching",
    "Place",
    "Probe",
    "Projection",
    "ReplacedWrites",
    "Steering",
    "WriteDictionary",
    "ablation_curves",
    "activation_patching",
    "attribute",
    "fidelity",
    "gradient_flow",
    "half_life",
    "influence",
    "ledger",
    "probe",
    "replace_writes",
    "steer",
    "survival",
    "write_dictionary",
]
