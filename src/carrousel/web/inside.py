"""What the API tells about one sequence: the record, and what of it was kept.

``kept`` looks from one step ("at") back at all steps before it, in the last layer:

    survival_t = sum_u |w_tu| S_tu / sum_u |w_tu|     S = product of later forget gates
    ledger_t   = sum_u v_u (S_tu w_tu shared out)     w = i g (GRU: (1-z) n)

where v is how the output that is asked about reads the hidden state.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..explain import ledger, survival
from ..ops.cells import CELLS
from ..record.record import Record
from ..tracing import trace
from .network import PageNetwork

DIGITS = 7  # significant, of every number in an answer


@dataclass(frozen=True)
class Run:
    """One sequence through a page's network."""

    records: list[Record]
    output: Tensor | None  # (T, O)

    @classmethod
    def of(cls, network: PageNetwork, sequence: Tensor) -> "Run":
        with torch.no_grad(), trace(network) as records:
            output = network(sequence)
        return cls(list(records), output if network.head else None)


def record_json(run: Run) -> dict[str, Any]:
    """Every gate and state: ``layers[k].gates.forget`` is (T, H)."""
    layers = []
    for record in run.records:
        arrays = {"hidden": record.hidden} | ({} if record.cell is None else {"cell": record.cell})
        layers.append(
            {
                "gates": {name: listed(gate[0, :, 0]) for name, gate in record.gates.items()},
                **{name: listed(array[0, :, 0]) for name, array in arrays.items()},
            }
        )
    return {"kind": run.records[0].kind, "layers": layers}


def kept_json(record: Record, at: int, reader: Tensor) -> dict[str, Any]:
    """Survival and ledger of every step up to ``at``, for an output ``reader @ h_at``."""
    share, books = survival(record, at)[-1, : at + 1, 0], ledger(record, at)
    written = _written(record)[: at + 1].abs()
    total = (written * share).sum(-1) / written.sum(-1).clamp_min(1e-300)
    projected = books.project(reader[None])
    return {
        "at": at,
        "survival": listed(total),
        "ledger": listed(projected.steps[: at + 1, 0, 0]),
        "initial": listed(projected.initial[0, 0]),
        "total": listed(projected.total[0, 0]),
        "conservation_error": books.error,
    }


def _written(record: Record) -> Tensor:
    """(T, H) what each step wrote into the memory: i g, or (1 - z) n."""
    gates = {name: gate[-1, :, 0].double() for name, gate in record.gates.items()}
    writes = CELLS[record.kind].writes
    assert writes is not None  # who asks has looked for a memory
    return writes(gates)


def listed(tensor: Tensor) -> Any:
    """Nested lists with ``DIGITS`` significant digits, so that float32 comes back unchanged."""
    return _rounded(tensor.double().tolist())


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.{DIGITS + 1}g}")
