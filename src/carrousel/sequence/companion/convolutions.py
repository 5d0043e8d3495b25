"""Features of numbers: how often, and how far, random convolutions lie above random thresholds.

MiniRocket (Dempster, Schmidt & Webb 2021): the 84 kernels of nine weights that are -1 six times and
2 three times, at dilations from 1 to where they span the sequence; thresholds are quantiles of what
the kernels give for some of the sequences. Like MultiRocket (Tan et al. 2022) it reads differences
of neighboring steps, too, and of what lies above a threshold the share of steps and the mean.

What is on which side of a threshold must not depend on how a processor rounds, or an answer would
depend on what stands beside a sequence. So numbers are rounded to a grid on which all sums are
exact, and thresholds lie between its lines.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from ...limits import whole
from ...ops.convolutions import above
from ...ops.reference.convolutions import convolved
from ...storage.plain import typed
from ..layers.entry import LARGEST, Numbers
from ..ragged import Ragged
from .ridge import ridge
from .summaries import PER_CHANNEL, summaries

SIZE = 9
KERNELS = torch.tensor(
    [[2.0 if k in two else -1.0 for k in range(SIZE)] for two in combinations(range(SIZE), 3)]
)  # (84, 9)
VIEWS = 2  # the numbers, and their differences
POOLED = 2  # share and mean
SPREAD = 32  # dilations at most
LONGEST = 1 << 40  # dilation
CHANNELS = 9  # that one kernel reads at most
FARTHEST = LARGEST * CHANNELS * 12  # that a kernel can give: 12 is the sum of its weights' sizes
GRID = 4096  # steps of it in a standard deviation; as many as FARTHEST stay below 2 ** 24
SEEN, SEEN_STEPS = 64, 2048  # sequences that thresholds are taken from, and steps of each
LEARNED = 10_000  # sequences that the regression learns from at most
FEW = 1000  # sequences
# Features, of so few sequences and of more. Few of them are as good for what is left out of forty
# sequences, but not for others: which dilations there are is then a matter of luck.
WIDTHS = (4704, 2016)
# How much the numbers count, and how much their differences do.
BALANCES = (1.0, 1.0), (1.0, 0.5), (0.5, 1.0)
# Of summaries, where 1 gives them as much variance as all the rest has.
SUMMARY_WEIGHTS = 1.0, 0.5, 2.0, 0.0
ROWS = 1 << 13  # that are read at once, so that their features fit into memory


def dilations_up_to(longest: float, count: int) -> list[int]:
    """At most ``count``, growing by a factor, the largest with a kernel as long as the sequence.

    >>> dilations_up_to(100, 5)
    [1, 3, 6, 12]
    """
    most = max((longest - 1) / (SIZE - 1), 1.0)
    powers = torch.linspace(0, 1, max(min(count, SPREAD), 1), dtype=torch.float64)
    return sorted({int(most ** float(power) + 1e-9) for power in powers})


class RandomConvolutions(nn.Module):
    """Rows (N, C) of a batch to (B, width); ``learn`` draws what is random.

    Args:
        channels: Numbers in a step.
        masked: Whether numbers may be missing.
        dilations: How many distances between a kernel's weights.
        thresholds: Of each kernel in each view, spread over the dilations.
        summed: Whether ``summaries`` of each channel stand behind the rest.
    """

    chosen: Tensor
    dilation: Tensor
    at: Tensor
    threshold: Tensor
    spread: Tensor

    def __init__(
        self, channels: int, masked: bool, dilations: int, thresholds: int, summed: bool = False
    ) -> None:
        super().__init__()
        self.entry = Numbers(channels, masked)
        read = channels * (2 if masked else 1)
        self.sizes = {"dilations": dilations, "thresholds": thresholds}
        self.summaries = PER_CHANNEL * read if summed else 0  # how many
        self.width = VIEWS * POOLED * thresholds * len(KERNELS) + self.summaries
        self.register_buffer("dilation", torch.ones(dilations, dtype=torch.int64))
        self.register_buffer("at", torch.arange(thresholds) * dilations // thresholds)
        self.register_buffer("chosen", torch.ones(VIEWS, dilations, len(KERNELS), read))
        self.register_buffer("threshold", torch.zeros(VIEWS, thresholds, len(KERNELS)))
        self.register_buffer("spread", torch.ones(read))

    @classmethod
    def learn(
        cls, batch: Ragged, masked: bool, generator: torch.Generator, summed: bool = False
    ) -> "RandomConvolutions":
        """Draw features of such sequences."""
        width = WIDTHS[len(batch) > FEW]
        thresholds = max(width // (VIEWS * POOLED * len(KERNELS)), 1)
        usual = float(batch.lengths.double().median())
        dilations = dilations_up_to(usual, thresholds)
        made = cls(batch.rows.shape[1], masked, len(dilations), thresholds, summed)
        made.entry.measure(batch.rows)
        made.dilation.copy_(torch.tensor(dilations))
        some = _parts(batch[torch.randperm(len(batch), generator=generator)[:SEEN]], generator)
        made.spread.copy_(_spread(made._differences(some, made.entry(some))))
        for view, rows in enumerate(made._views(some)):
            made._draw(view, some, rows, generator)
        return made

    @classmethod
    def sized(
        cls, data: dict[str, Any], channels: int, masked: bool, summed: bool = False
    ) -> "RandomConvolutions":
        """One whose numbers are read next; ``data`` is what ``sizes`` was.

        Raises:
            ValueError: There is no such one.
        """
        if data.keys() != {"dilations", "thresholds"}:
            raise ValueError("companion must have dilations and thresholds")
        for name, value in data.items():
            typed(value, int, f"companion.{name}")
            whole(f"companion.{name}", value)
        return cls(channels, masked, data["dilations"], data["thresholds"], summed)

    def check(self) -> None:
        """Refuse numbers from a file by which nothing can be found.

        Raises:
            ValueError: A dilation or the number of one is out of reach.
        """
        if int(self.dilation.min()) < 1 or int(self.dilation.max()) > LONGEST:
            raise ValueError("companion.dilation must be positive")
        if int(self.at.min()) < 0 or int(self.at.max()) >= len(self.dilation):
            raise ValueError("companion.at must be numbers of dilations")
        if not bool(((self.chosen == 0) | (self.chosen == 1)).all()):
            raise ValueError("companion.chosen must be 0 and 1")
        if int(self.chosen.sum(-1).max()) > CHANNELS:
            raise ValueError(f"companion.chosen must be of {CHANNELS} channels at most")
        if not bool((self.threshold.abs() <= FARTHEST).all()):
            raise ValueError(f"companion.threshold must be within {FARTHEST:,.0f}")

    def _draw(self, view: int, some: Ragged, rows: Tensor, generator: torch.Generator) -> None:
        """Which channels each kernel of a view reads, and its thresholds: quantiles of what it
        gives for one sequence, drawn for each."""
        read = rows.shape[1]
        most = torch.log2(torch.tensor(min(read, CHANNELS) + 1.0))
        size = self.chosen.shape[1:3]
        counts = (2 ** (torch.rand(size, generator=generator) * most)).long().clamp(1, read)
        order = torch.rand(*size, read, generator=generator).argsort(-1).argsort(-1)
        self.chosen[view] = (order < counts[..., None]).float()
        level = 0
        for number in range(len(self.dilation)):
            said = convolved(
                rows, some.lengths, self.chosen[view, number].T, KERNELS.T,
                int(self.dilation[number]), slice(0, len(rows)),
            )  # fmt: skip
            mine = (self.at == number).nonzero()[:, 0]
            for kernel in range(len(KERNELS)):
                k = int(torch.randint(len(some), (), generator=generator))
                one = said[int(some.starts[k]) : int(some.ends[k]) + 1, kernel]
                # A sequence of low discrepancy: multiples of the golden section.
                levels = torch.arange(level + 1, level + 1 + len(mine)) * 0.6180339887498949 % 1
                level += len(mine)
                between = (one.quantile(levels.to(one)) * GRID).floor() + 0.5
                self.threshold[view, mine, kernel] = between / GRID

    def solve(
        self, batch: Ragged, targets: Tensor, parts: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Weight and offset of a ridge regression, and of each part what is said of it when each
        of its examples is left out."""
        kept = torch.arange(len(batch))
        if len(kept) > LEARNED:
            generator = torch.Generator().manual_seed(0)
            kept = torch.randperm(len(batch), generator=generator)[:LEARNED].sort().values
        found = ridge(self(batch[kept]), targets[kept], self._rounds())
        weight, offset = found.weight.float(), found.offset.float()
        number = torch.full((len(batch),), -1).index_copy_(0, kept, torch.arange(len(kept)))
        left_out = []
        for part in parts:
            mine = number[part]
            said = found.left_out[mine]
            if len(strangers := part[mine < 0]):
                said[mine < 0] = (self.times(batch[strangers], weight) + offset).double()
            left_out.append(said)
        return weight, offset, left_out

    def _rounds(self) -> list[list[Tensor]]:
        """What features may be multiplied by, so that summaries, and then one view beside the
        other, count for more or less."""
        counted = self.width - self.summaries
        ones = torch.ones(self.width, dtype=torch.float64)
        balances = []
        for pair in BALANCES:
            sizes = torch.tensor(pair, dtype=torch.float64)
            sizes *= (VIEWS / sizes.square().sum()).sqrt()  # together they vary as much as before
            balances.append(torch.cat([sizes.repeat_interleave(counted // VIEWS), ones[counted:]]))
        if not self.summaries:
            return [balances]
        alike = (counted / self.summaries) ** 0.5
        summed = [torch.cat([ones[:counted], ones[counted:] * alike * w]) for w in SUMMARY_WEIGHTS]
        return [summed, balances]

    @torch.no_grad()
    def times(self, batch: Ragged, weight: Tensor) -> Tensor:
        """(B, K) from weights (width, K); features are never all there at once."""
        shape = VIEWS, len(self.at), POOLED, len(KERNELS), -1
        counted, summed = weight.double().split([self.width - self.summaries, self.summaries])
        parts = counted.view(shape)[:, self._order].transpose(1, 2).flatten(2, 3)
        return torch.cat([self._weighed(part, parts, summed) for part in batch.portions(ROWS)])

    def _weighed(self, batch: Ragged, weight: Tensor, summed: Tensor) -> Tensor:
        """(B, K) from weights (views, pooled, places and kernels, K) and those of summaries, of one
        portion."""
        views = self._views(batch)
        total = torch.zeros(len(batch), weight.shape[-1], dtype=torch.float64)
        for of_view, pooled in zip(weight, self._pooled(batch, views), strict=True):
            for one, found in zip(of_view, pooled, strict=True):
                total += found.flatten(1) @ one
        total /= batch.lengths[:, None]
        return total + summaries(*views, batch) @ summed if self.summaries else total

    @torch.no_grad()
    def forward(self, batch: Ragged) -> Tensor:
        return torch.cat([self._features(part) for part in batch.portions(ROWS)])

    def _features(self, batch: Ragged) -> Tensor:
        """(B, width) of sequences that fit into one portion, or of a longer one."""
        order, views = self._order, self._views(batch)
        found = torch.empty(len(batch), VIEWS, len(order), POOLED, len(KERNELS)).double()
        for view, pooled in enumerate(self._pooled(batch, views)):
            found[:, view, order] = torch.stack(pooled, 2)
        counted = found.flatten(1) / batch.lengths[:, None]
        return torch.cat([counted, summaries(*views, batch)], 1) if self.summaries else counted

    @property
    def _order(self) -> Tensor:
        """(places,) thresholds by their dilation."""
        return self.at.argsort(stable=True)

    def _pooled(
        self, batch: Ragged, views: tuple[Tensor, Tensor]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Of each view (B, places, kernels) how many steps lie above thresholds, in their order,
        and how far, summed."""
        order, counts = self._order, self.at.bincount(minlength=len(self.dilation))
        for view, rows in enumerate(views):
            chosen, threshold = self.chosen[view].transpose(1, 2), self.threshold[view, order]
            yield above(
                rows, batch.lengths, chosen, KERNELS.T, self.dilation, counts, threshold, 2 * GRID
            )

    def _views(self, batch: Ragged) -> tuple[Tensor, Tensor]:
        rows = self.entry(batch)
        differences = self._differences(batch, rows) / self.spread
        return _rounded(rows), _rounded(differences.clamp_(-LARGEST, LARGEST))

    def _differences(self, batch: Ragged, rows: Tensor) -> Tensor:
        """Each step less the one before it; 0 at the first."""
        before = torch.cat([rows[:1], rows[:-1]])
        before[batch.starts] = rows[batch.starts]
        return rows - before


def _rounded(rows: Tensor) -> Tensor:
    return (rows * GRID).round_() / GRID


def _parts(some: Ragged, generator: torch.Generator) -> Ragged:
    """Of long sequences some steps, from a random one on."""
    lengths = some.lengths.clamp_max(SEEN_STEPS)
    spare = some.lengths - lengths
    first = (torch.rand(len(some), generator=generator) * (spare + 1)).long().minimum(spare)
    return some.windows(first, lengths)


def _spread(rows: Tensor) -> Tensor:
    spread = rows.double().std(0, correction=0)
    return torch.where(spread > 1e-9, spread, 1.0).float()
