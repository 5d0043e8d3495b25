"""Layers and cells against torch's in double precision: random sizes, options, memory and uses.

    python -m tests.fuzz --only layers --seconds 60 --seed 1

A use is what somebody does with a layer: trains it, streams, derives twice, changes outputs in
place, runs it under a mode or a transform of torch's. What is compared are outputs and gradients.
"""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

import carrousel

CELLS = {
    "LSTM": ("LSTM", {}),
    "GRU": ("GRU", {}),
    "tanh": ("RNN", {"nonlinearity": "tanh"}),
    "relu": ("RNN", {"nonlinearity": "relu"}),
}
# Of the largest entry. float32: rounding of long sums, more of it in derivatives of derivatives.
ALLOWED = {torch.float32: 2e-4, torch.float64: 1e-8}


@dataclass(frozen=True)
class Case:
    """One layer, one batch, one use."""

    use: str
    cell: str
    steps: int
    batch: int
    inputs: int
    hidden: int
    layers: int
    bidirectional: bool
    bias: bool
    batch_first: bool
    form: str  # "padded" | "packed" | "unsorted" | "unbatched" | "cell"
    memory: str
    states: str
    double: bool
    seed: int


def draw(random: random.Random, seed: int) -> Case:
    """A case; small sizes, those beside vectors' widths, and sometimes larger ones."""
    cell = random.choice(list(CELLS))
    use = random.choice(list(USES))
    form = random.choice(("padded", "padded", "packed", "unsorted", "unbatched", "cell"))
    if form in ("packed", "unsorted") and use in TRANSFORMS:
        form = "padded"  # torch has no rules for its own packing
    # torch asserts that a tangent is flagged as its primal is.
    memory = [name for name in MEMORY if name != "negated" or use != "func.jvp"]
    large = random.random() < 0.1 and use in ("train", "infer")
    return Case(
        use=use,
        cell=cell,
        steps=random.choice((1, 2, 3, 7) if not large else (1, 20, 50)),
        batch=random.choice((1, 2, 3, 5) if not large else (1, 13, 33)),
        inputs=random.choice((1, 2, 3, 8) if not large else (1, 19, 64)),
        hidden=random.choice((1, 2, 4, 8, 17) if not large else (1, 17, 50, 96)),
        layers=random.choice((1, 1, 2, 3)),
        bidirectional=random.random() < 0.3,
        bias=random.random() < 0.8,
        batch_first=random.random() < 0.4,
        form=form,
        memory=random.choice(memory),
        states=random.choice(("none", "given", "expanded", "of the input")),
        # A relu whose sum rounds to the other side of 0 has another derivative altogether.
        double=cell == "relu" or random.random() < 0.4,
        seed=seed,
    )


MEMORY: dict[str, Callable[[Tensor], Tensor]] = {
    "dense": lambda x: x.clone(),
    "transposed": lambda x: x.transpose(0, -2).contiguous().transpose(0, -2),
    "columns first": lambda x: x.transpose(0, -1).contiguous().transpose(0, -1),
    "slice": lambda x: torch.cat([x, x, x], -1)[..., x.size(-1) : 2 * x.size(-1)],
    "every second": lambda x: x.repeat_interleave(2, -1)[..., ::2],
    "negated": lambda x: torch.complex(x, -x).conj().imag,
}


class Call:
    """A module of one library with the inputs of a case."""

    def __init__(self, case: Case, library: Any, dtype: torch.dtype) -> None:
        self.case, self.ours = case, library is carrousel
        self.drawn: dict[tuple[int, ...], Tensor] = {}
        name, needs = CELLS[case.cell]
        self.options = needs | {"bias": case.bias}
        sizes = (case.inputs, case.hidden)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(case.seed)
            if case.form == "cell":
                made = getattr(library, f"{name}Cell")(*sizes, **self.options)
            else:
                made = getattr(library, name)(
                    *sizes,
                    case.layers,
                    bidirectional=case.bidirectional,
                    batch_first=case.batch_first,
                    **self.options,
                )
            first = self._random(*self._shape())
            self.module = made.to(dtype)
        self.x = (MEMORY[case.memory] if self.ours else torch.clone)(first.to(dtype))
        self.x = self.x.detach().requires_grad_()
        self.by = [self.x, *self.module.parameters()]
        self.hx(self.x)

    def _random(self, *shape: int) -> Tensor:
        if shape not in self.drawn:  # once: vmap forbids random numbers
            generator = torch.Generator().manual_seed(self.case.seed + sum(shape))
            self.drawn[shape] = torch.randn(*shape, generator=generator)
        return self.drawn[shape]

    def _shape(self) -> tuple[int, ...]:
        case = self.case
        if case.form in ("cell", "unbatched"):
            return (case.batch if case.form == "cell" else case.steps, case.inputs)
        shape = (case.batch, case.steps, case.inputs)
        return shape if case.batch_first else (case.steps, case.batch, case.inputs)

    def hx(self, x: Tensor) -> Any:
        """The initial state, or None for one of zeros."""
        case = self.case
        if case.states == "none":
            return None
        shape: tuple[int, ...] = (case.batch, case.hidden)
        if case.form != "cell":
            rows = case.layers * (2 if case.bidirectional else 1)
            shape = (rows, case.hidden) if case.form == "unbatched" else (rows, *shape)
        if case.states == "given":
            h = self._random(*shape).to(x.dtype)
        elif case.states == "expanded":
            h = self._random(case.hidden).to(x.dtype).expand(shape)
        else:
            h = x.mean().sin().expand(shape)
        return (h, h.cos()) if case.cell == "LSTM" else h

    def __call__(self, x: Tensor, hx: Any = None, module: Any = None) -> list[Tensor]:
        """Output and states as a list; two calls, the second from the first one's state."""
        case, module = self.case, module or self.module
        hx = self.hx(x) if hx is None else hx
        if case.form == "cell":
            state = module(x, hx)
            return leaves(module(x * 0.5, state)) + leaves(state)
        given: Any = x
        if case.form in ("packed", "unsorted"):
            generator = random.Random(case.seed)
            lengths = [generator.randint(1, case.steps) for _ in range(case.batch)]
            if case.form == "packed":
                lengths.sort(reverse=True)
            given = pack_padded_sequence(x, lengths, case.batch_first, case.form == "packed")
        output, state = module(given, hx)
        return [*leaves(output), *leaves(state), *leaves(module(given, state))]


def leaves(value: Any) -> list[Tensor]:
    """The tensors of an output, in order."""
    if isinstance(value, PackedSequence):
        return [value.data]
    return [value] if isinstance(value, Tensor) else [t for item in value for t in leaves(item)]


def loss(outputs: list[Tensor]) -> Tensor:
    """A sum in which every output counts differently."""
    return sum((k + 1) * (t.square() + t).sum() for k, t in enumerate(outputs))  # type: ignore


def trained(call: Call) -> list[Tensor]:
    outputs = call(call.x)
    return outputs + slopes(loss(outputs), call)


def slopes(value: Tensor, call: Call, **how: Any) -> list[Tensor]:
    found = torch.autograd.grad(value, call.by, allow_unused=True, **how)
    return [torch.zeros_like(t) if g is None else g for g, t in zip(found, call.by, strict=True)]


def streamed(call: Call) -> list[Tensor]:
    """Without gradient, a step at a time."""
    if call.case.form not in ("padded", "unbatched"):
        return inferred(call)
    x = call.x.detach()
    axis = 1 if call.case.batch_first and call.case.form == "padded" else 0
    state, outputs = call.hx(x), []
    with torch.no_grad():
        for step in x.split(1, axis):
            output, state = call.module(step, state)
            outputs.append(output)
    return [torch.cat(outputs, axis), *leaves(state)]


def inferred(call: Call) -> list[Tensor]:
    with torch.inference_mode():
        return call(call.x.detach().clone())


def twice(call: Call) -> list[Tensor]:
    first = slopes(loss(call(call.x)), call, create_graph=True)
    return first + slopes(sum(g.square().sum() for g in first), call)  # type: ignore[arg-type]


def changed(call: Call) -> list[Tensor]:
    """In place, before backward; a copy where torch may forbid it."""
    outputs = call(call.x) if call.ours else [t.clone() for t in call(call.x)]
    if call.case.form == "cell":
        return outputs + slopes(loss(outputs), call)  # the second step needs the first one's state
    outputs[0].mul_(2)
    return outputs + slopes(loss(outputs[:1]), call)


def checkpointed(call: Call) -> list[Tensor]:
    def whole(x: Tensor) -> tuple[Tensor, ...]:
        return tuple(call(x))

    outputs = list(checkpoint(whole, call.x, use_reentrant=False))
    return outputs + slopes(loss(outputs), call)


def hooked(call: Call) -> list[Tensor]:
    def strided(t: Tensor) -> Tensor:
        return t.flatten().repeat_interleave(2)[::2].view(t.shape)

    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: t, strided if call.ours else torch.clone
    ):
        outputs = call(call.x)
    return outputs + slopes(loss(outputs), call)


class Watching(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


def watched(call: Call) -> list[Tensor]:
    if not call.ours:
        return trained(call)
    with Watching():
        return trained(call)


def traced(call: Call) -> list[Tensor]:
    """With a record made of it, which changes nothing."""
    if not call.ours:
        return trained(call)
    with carrousel.trace(call.module):
        return trained(call)


def transformed(call: Call) -> list[Tensor]:
    return [torch.func.grad(lambda x: loss(call(x)))(call.x.detach())]


def pushed(call: Call) -> list[Tensor]:
    x = call.x.detach()
    return list(torch.func.jvp(lambda x: tuple(call(x)), (x,), (x.cos(),))[1])


def mapped(call: Call) -> list[Tensor]:
    x = call.x.detach()
    several = torch.stack([x, x * 0.5, -x])
    if call.ours:
        return list(torch.func.vmap(lambda x: tuple(call(x)))(several))
    return [torch.stack(parts) for parts in zip(*[call(x) for x in several], strict=True)]


def batch_of_gradients(call: Call) -> list[Tensor]:
    outputs = call(call.x)
    slope = torch.stack([outputs[0].detach() * k for k in (1.0, -2.0)])
    if call.ours:
        return list(torch.autograd.grad(outputs[0], call.by[:2], slope, is_grads_batched=True))
    parts = [torch.autograd.grad(outputs[0], call.by[:2], s, retain_graph=True) for s in slope]
    return [torch.stack(part) for part in zip(*parts, strict=True)]


def parametrized(call: Call) -> list[Tensor]:
    name = "weight_hh" if call.case.form == "cell" else "weight_hh_l0"
    nn.utils.parametrizations.weight_norm(call.module, name)
    call.by = [call.x, *call.module.parameters()]
    return trained(call)


USES: dict[str, Callable[[Call], list[Tensor]]] = {
    "train": trained,
    "infer": inferred,
    "stream": streamed,
    "derive twice": twice,
    "change in place": changed,
    "checkpoint": checkpointed,
    "hooks on saved tensors": hooked,
    "under a mode": watched,
    "trace": traced,
    "func.grad": transformed,
    "func.jvp": pushed,
    "func.vmap": mapped,
    "a batch of gradients": batch_of_gradients,
    "parametrize": parametrized,
}


TRANSFORMS = ("func.grad", "func.jvp", "func.vmap", "a batch of gradients")


def differences(case: Case) -> list[str]:
    """What differs between ours and torch's in double precision, as sentences."""
    dtype = torch.float64 if case.double else torch.float32
    ours = USES[case.use](Call(case, carrousel, dtype))
    theirs = USES[case.use](Call(case, nn, torch.float64))
    if len(ours) != len(theirs):
        return [f"{len(ours)} results against {len(theirs)}"]
    found, scale = [], max((t.abs().max().item() for t in theirs if t.numel()), default=0.0)
    for k, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        if mine.shape != other.shape or mine.dtype != dtype:
            found.append(f"result {k}: {mine.shape}, {mine.dtype} against {other.shape}, {dtype}")
            continue
        off = (mine.detach().double() - other.detach()).abs().max().item() / max(scale, 1e-30)
        if not off <= ALLOWED[dtype]:
            found.append(f"result {k} differs by {off:.2g} of the largest entry")
    return found


def run(seconds: float, seed: int, cases: float = math.inf) -> list[str]:
    """Cases until the time is up, or the first that differs, with the line that shows it again."""
    chance, until = random.Random(seed), time.monotonic() + seconds
    while time.monotonic() < until and cases > 0:
        cases -= 1
        case = draw(chance, chance.randrange(10**6))
        again = f"from tests.fuzz.layers import *; print(differences({case!r}))"
        try:
            found = differences(case)
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"]
        if found:
            return [*found, f"python -c {again!r}"]
    return []
