"""A sparse dictionary over what is written into the memory, and what replacing a write does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..ops.cells import Cell
from ..ops.written import of_kind
from ..plottable import Plottable
from ..record.record import Record
from ..record.table import from_columns
from .asking import Target
from .order import check_record
from .replacing import Place, Replacing


@dataclass(frozen=True)
class WriteDictionary(Plottable, picture="carrousel.plots:plot_dictionary"):
    """See :func:`write_dictionary`: writes ≈ ``mean + codes @ entries``.

    ``explained`` and ``random`` are shares of the variance of held-out writes that the entries, and
    as many writes drawn at random as entries, explain with the same number of them active.
    """

    entries: Tensor  # (K, U) float64, of length 1
    mean: Tensor  # (U,)
    codes: Tensor  # (N, K) of the writes that were given, few of each row not 0
    where: Tensor  # (N, 3) record, sequence, step of each
    active: int
    explained: float
    random: float

    def encode(self, writes: Tensor) -> Tensor:
        """Codes (N, K) of writes (N, U), ``active`` of each at most not 0."""
        return _coded(self.entries, writes.double() - self.mean, self.active)

    def reconstruct(self, writes: Tensor) -> Tensor:
        """Writes (N, U) as the dictionary says them."""
        return self.mean + self.encode(writes) @ self.entries

    def uses(self, tokens: Sequence[Sequence[Sequence[str]]], k: int = 6) -> list[dict[str, Any]]:
        """For each entry the words, or moments, that use it most: one row an entry.

        ``tokens[record][sequence][step]`` is what to call it. ``share`` counts the writes that
        use it.
        """
        rows = []
        for entry, column in enumerate(self.codes.T):
            totals: dict[str, list[float]] = {}
            for value, (r, b, t) in zip(column.tolist(), self.where.tolist(), strict=True):
                totals.setdefault(tokens[r][b][t], []).append(value)
            means = {token: sum(values) / len(values) for token, values in totals.items()}
            best = sorted(means, key=lambda token: -abs(means[token]))[:k]
            said = ", ".join(f"{token} {means[token]:+.2f}" for token in best if means[token])
            share = float((column != 0).double().mean())
            rows.append({"entry": entry, "share": round(share, 3), "used by": said})
        return rows

    def to_dataframe(self, backend: str = "polars") -> Any:
        """One row per write and entry that it uses."""
        n, entry = self.codes.nonzero(as_tuple=True)
        columns = dict(zip(("record", "sequence", "step"), self.where[n].T.numpy(), strict=True))
        columns |= {"entry": entry.numpy(), "code": self.codes[n, entry].numpy()}
        return from_columns(columns, backend).to_native()


def writes_of(record: Record, index: int = -1) -> Tensor:
    """What each step wrote into the memory, (T, B, U): i * g of an LSTM, (1 - z) * n of a GRU.

    Of a run whose memory was changed by hand, as it was changed. NaN where there is no such step.
    """
    check_record(record)
    if record.written is not None:
        return record.written[index].double()
    gates = {name: gate[index].double() for name, gate in record.gates.items()}
    return _writer(of_kind(record.kind))(gates)


def write_dictionary(
    records: Record | Sequence[Record],
    *,
    entries: int = 16,
    active: int = 3,
    held_out: float = 0.2,
    index: int = -1,
    seed: int = 0,
) -> WriteDictionary:
    """A few directions of which every write is a sum of very few.

    The ledger says that a memory is what was written, times what was kept. This learns what is
    written: ``entries`` directions such that ``active`` of them make up each write as well as
    possible (scikit-learn's MiniBatchDictionaryLearning, the "explain" extra; codes by orthogonal
    matching pursuit), the algebra of WriteSAE (arXiv 2605.12770) in small. ``uses`` names the words
    or moments behind each entry; a share of the writes is held out to score it.

    >>> import torch, carrousel
    >>> from carrousel.explain import write_dictionary
    >>> lstm = carrousel.LSTM(3, 6)
    >>> with carrousel.trace(lstm) as trace:
    ...     _ = lstm(torch.randn(40, 5, 3))
    >>> found = write_dictionary(trace[-1], entries=4, active=2)
    >>> found.entries.shape, int((found.codes != 0).sum(1).max())
    (torch.Size([4, 6]), 2)
    """
    learner = _learner()
    given = [records] if isinstance(records, Record) else list(records)
    rows, where = [], []
    for number, record in enumerate(given):
        writes = writes_of(record, index)
        t, b = record.present.nonzero(as_tuple=True)
        rows.append(writes[t, b].cpu())
        where.append(torch.stack([torch.full_like(t, number), b, t], 1))
    writes, places = torch.cat(rows), torch.cat(where)
    if not 1 <= active <= entries < len(writes):
        raise ValueError(
            f"active, entries: 1 <= active <= entries < the {len(writes)} writes must hold, got "
            f"{active} and {entries}"
        )
    rng = np.random.default_rng(seed)
    order = torch.from_numpy(rng.permutation(len(writes)))
    cut = max(1, round(held_out * len(writes)))
    held, learned = writes[order[:cut]], writes[order[cut:]]
    mean = learned.mean(0)
    made = learner(
        n_components=entries, fit_algorithm="lars", transform_algorithm="omp",
        transform_n_nonzero_coefs=active, random_state=seed, max_iter=100, batch_size=64,
    ).fit((learned - mean).numpy())  # fmt: skip
    found = torch.from_numpy(np.asarray(made.components_, dtype=np.float64))
    found = found / found.norm(dim=1, keepdim=True).clamp_min(1e-12)
    drawn = learned[torch.from_numpy(rng.choice(len(learned), entries, replace=False))] - mean
    drawn = drawn / drawn.norm(dim=1, keepdim=True).clamp_min(1e-12)
    codes = _coded(found, writes - mean, active)
    shares = [_explained(one, held - mean, active) for one in (found, drawn)]
    return WriteDictionary(found, mean, codes, places, active, *shares)


@dataclass(frozen=True)
class ReplacedWrites:
    """See :func:`replace_writes`: mean |change of the answer| over single writes, by what stands in
    their place; ``by_step`` (T,) the same of each step."""

    means: dict[str, float]
    by_step: dict[str, Tensor]

    def __str__(self) -> str:
        return "\n".join(f"{name:11} {value:.5f}" for name, value in self.means.items())


def replace_writes(
    model: nn.Module,
    x: Tensor,
    dictionary: WriteDictionary,
    target: Target = None,
    *,
    place: Place | None = None,
    time_dim: int | None = None,
    seed: int = 0,
) -> ReplacedWrites:
    """Is a write what the dictionary says? One at a time is replaced, and the answer compared.

    "dictionary": by its reconstruction; "deleted": by nothing; "mean": by the mean write;
    "another": by that of a random step. A dictionary that has understood the writes changes the
    answer least. Only the layer, level and direction of ``place`` count.

    >>> import torch, carrousel
    >>> from carrousel.explain import replace_writes, write_dictionary
    >>> lstm, x = torch.nn.LSTM(2, 5, batch_first=True), torch.randn(4, 12, 2)
    >>> with carrousel.trace(lstm) as trace:
    ...     _ = lstm(x)
    >>> found = write_dictionary(trace[-1], entries=8, active=4)
    >>> changed = replace_writes(lstm, x, found, lambda out: out[0][:, -1].sum(-1))
    >>> sorted(changed.means)
    ['another', 'deleted', 'dictionary', 'mean']
    """
    place = replace(place or Place(), state="candidate")
    asked = Replacing.of(model, x, target, place, time_dim)
    batch, length, width = asked.shape
    cell = of_kind(asked.record.kind)
    written = writes_of(asked.record, asked.index).transpose(0, 1)  # (B, T, U)
    gates = {n: g[asked.index].double().transpose(0, 1) for n, g in asked.record.gates.items()}
    factor = _writer(cell)(gates | {"candidate": torch.ones_like(written)})
    flat = written.flatten(0, 1)
    drawn = torch.from_numpy(np.random.default_rng(seed).permutation(len(flat)))
    stand_ins = {
        "dictionary": dictionary.reconstruct(flat),
        "mean": dictionary.mean.expand_as(flat),
        "another": flat[drawn],
        "deleted": torch.zeros_like(flat),
    }
    masks = torch.eye(length, dtype=torch.bool)[:, None, :, None]
    masks = masks.expand(length, batch, length, width)  # one step at a time
    by_step = {}
    for name, new in stand_ins.items():
        candidate = new.view_as(written) / factor.clamp_min(1e-12)
        changed = asked.answers(masks, candidate.to(asked.values().dtype))
        by_step[name] = (changed - asked.answer).abs().mean(1)
    return ReplacedWrites({name: float(one.mean()) for name, one in by_step.items()}, by_step)


def _writer(cell: Cell) -> Any:
    if cell.writes is None:
        raise ValueError(
            f"a {cell.title} overwrites its state, or does not say what it writes, and has no "
            "writes to speak of"
        )
    return cell.writes


def _coded(entries: Tensor, centered: Tensor, active: int) -> Tensor:
    """Orthogonal matching pursuit: (N, K), ``active`` of each row at most not 0."""
    count = len(entries)
    chosen = torch.zeros(len(centered), 0, dtype=torch.int64)
    left, codes = centered, torch.zeros(len(centered), count, dtype=torch.float64)
    for _ in range(active):
        fit = (left @ entries.T).abs().scatter(1, chosen, -1.0)
        chosen = torch.cat([chosen, fit.argmax(1, keepdim=True)], 1)
        used = entries[chosen]  # (N, A, U)
        gram = used @ used.transpose(1, 2)
        gram = gram + 1e-9 * torch.eye(gram.shape[-1], dtype=torch.float64)
        amounts = torch.linalg.solve(gram, used @ centered[..., None])[..., 0]
        left = centered - (amounts[:, None] @ used)[:, 0]
        codes = torch.zeros_like(codes).scatter(1, chosen, amounts)
    return codes


def _explained(entries: Tensor, centered: Tensor, active: int) -> float:
    left = centered - _coded(entries, centered, active) @ entries
    return 1 - float(left.square().sum() / centered.square().sum().clamp_min(1e-300))


def _learner() -> Any:
    try:
        from sklearn.decomposition import MiniBatchDictionaryLearning
    except ImportError as error:
        raise ImportError(
            "dictionaries need scikit-learn: pip install 'carrousel[explain]'"
        ) from error
    return MiniBatchDictionaryLearning
