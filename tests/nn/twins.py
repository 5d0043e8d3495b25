"""A torch.nn layer and its carrousel twin with the same weights, and what to compare of them.

The tolerance. Both sides round; summing K products in another order moves a float by about
sqrt(K) * eps of the largest term. With K up to a few thousand here (T * B rows of a weight
gradient) that is 1e-5 for float32, and 1e-10 leaves float64 a wide margin. Entries may cancel to
nearly nothing, so the difference is measured against the largest entry of its tensor; a tensor of
few entries (one hidden unit) may cancel as a whole, and is measured against all gradients.
"""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

import carrousel

TOLERANCE = {
    torch.float32: 1e-5,
    torch.float64: 1e-10,
    torch.float16: 5e-3,
    torch.bfloat16: 4e-2,
}

# name in test ids -> (class name, what that cell needs)
CELLS: dict[str, tuple[str, dict[str, Any]]] = {
    "LSTM": ("LSTM", {}),
    "GRU": ("GRU", {}),
    "tanh RNN": ("RNN", {"nonlinearity": "tanh"}),
    "relu RNN": ("RNN", {"nonlinearity": "relu"}),
}
every_cell = pytest.mark.parametrize("cell", CELLS)


def under_autocast(layer: nn.Module, *given: Any) -> Any:
    """What torch's layer gives under autocast to bfloat16; on a processor on which oneDNN's LSTM
    has none, which torch's layer says in an error, the test is skipped."""
    try:
        with torch.autocast("cpu", torch.bfloat16):
            return layer(*given)
    except RuntimeError as error:
        if "could not create a primitive" not in str(error):
            raise
        pytest.skip("torch's own LSTM stops here under autocast")


def twins(cell: str, *sizes: int, seed: int = 0, **options: Any) -> tuple[Any, Any]:
    """(torch's layer, ours) with the same weights; ``cell`` is a key of CELLS."""
    name, needs = CELLS[cell]
    return _pair(name, *sizes, seed=seed, **needs, **options)


def cell_twins(cell: str, *sizes: int, seed: int = 0, **options: Any) -> tuple[Any, Any]:
    """The same for the single-step modules: LSTMCell, GRUCell, RNNCell."""
    name, needs = CELLS[cell]
    return _pair(f"{name}Cell", *sizes, seed=seed, **needs, **options)


def _pair(name: str, *sizes: int, seed: int, **options: Any) -> tuple[nn.Module, nn.Module]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        theirs = getattr(nn, name)(*sizes, **options)
        ours = getattr(carrousel, name)(*sizes, **options)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


def noise(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:
    """Standard normal numbers that depend on the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def states(layer: nn.RNNBase, batch: int | None, seed: int = 5) -> Any:
    """An initial state that fits the layer, a pair for the LSTM; batch None: unbatched."""
    stack = layer.num_layers * (2 if layer.bidirectional else 1)
    middle = () if batch is None else (batch,)
    dtype = layer.weight_ih_l0.dtype
    h = noise(stack, *middle, layer.proj_size or layer.hidden_size, seed=seed, dtype=dtype)
    c = noise(stack, *middle, layer.hidden_size, seed=seed + 1, dtype=dtype)
    return (h, c) if layer.mode == "LSTM" else h


def leaves(value: Any) -> list[Tensor]:
    """The float tensors of an output, in order: of a tuple, a packed sequence, a nested pair."""
    if isinstance(value, PackedSequence):
        return [value.data]
    if isinstance(value, Tensor):
        return [value]
    return [leaf for item in value for leaf in leaves(item)] if value is not None else []


def fresh(value: Any) -> Any:
    """A copy that is a leaf of a new graph and asks for gradients; strides are kept."""
    if isinstance(value, PackedSequence):
        return value._replace(data=fresh(value.data))
    if isinstance(value, Tensor):
        return value.detach().requires_grad_(value.is_floating_point())
    return tuple(fresh(item) for item in value) if value is not None else None


def weighted_sum(tensors: list[Tensor]) -> Tensor:
    """A loss under which every entry of every output has a gradient of its own."""
    return torch.stack(
        [(t * noise(*t.shape, seed=90 + k, dtype=t.dtype)).sum() for k, t in enumerate(tensors)]
    ).sum()


def observe(module: nn.Module, *inputs: Any) -> dict[str, Tensor]:
    """Run forward and backward; everything there is to compare, by name."""
    module.zero_grad()
    inputs = tuple(fresh(value) for value in inputs)
    outputs = leaves(module(*inputs))
    weighted_sum(outputs).backward()
    seen = dict(zip(("output", "h_n", "c_n"), outputs, strict=False))
    for name, value in zip(("x", "h0", "c0"), leaves(inputs), strict=False):
        seen[f"gradient of {name}"] = value.grad
    for name, weight in module.named_parameters():
        seen[f"gradient of {name}"] = weight.grad
    return seen


def difference(ours: Tensor | None, theirs: Tensor | None, scale: float = 0.0) -> float:
    """Largest difference over the largest entry of ``theirs`` (or scale, if that is larger).

    Infinite where the kinds differ: None, shape, dtype, NaN on one side.
    """
    if ours is None or theirs is None:
        return 0.0 if ours is theirs else float("inf")
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return float("inf")
    if theirs.numel() == 0 or torch.equal(ours, theirs):
        return 0.0
    a, b = ours.detach().double(), theirs.detach().double()
    gap = ((a - b).abs().max() / b.abs().max().clamp_min(scale)).item()
    return gap if gap == gap else float("inf")


FEW = 16  # entries


def _scale(name: str, seen: dict[str, Tensor]) -> float:
    """What a tensor of few entries is measured against: the largest entry of all gradients."""
    if seen[name] is None or seen[name].numel() >= FEW or not name.startswith("gradient"):
        return 0.0
    grads = [t for key, t in seen.items() if key.startswith("gradient") and t is not None]
    return max((t.abs().max().item() for t in grads if t.numel()), default=0.0)


def complaints(
    ours: dict[str, Tensor], theirs: dict[str, Tensor], tolerance: float | None = None
) -> list[str]:
    """One sentence for each quantity that differs by more than the tolerance of its dtype."""
    found = [] if ours.keys() == theirs.keys() else [f"{sorted(ours)} against {sorted(theirs)}"]
    for name in ours.keys() & theirs.keys():
        reference = theirs[name]
        allowed = (
            tolerance or TOLERANCE[reference.dtype if reference is not None else torch.float32]
        )
        off = difference(ours[name], reference, _scale(name, theirs))
        if off > allowed:
            found.append(f"{name} differs by {off:.2g} (allowed {allowed:.0e})")
    return found


def assert_twins_agree(pair: tuple[Any, Any], *inputs: Any, tolerance: float | None = None) -> None:
    """Outputs, final states and every gradient of the two are equal within the tolerance."""
    theirs, ours = pair
    found = complaints(observe(ours, *inputs), observe(theirs, *inputs), tolerance)
    assert not found, "\n".join(found)


def assert_same_failure(theirs: Callable[[], Any], ours: Callable[[], Any]) -> None:
    """Both refuse, with the same type of exception."""
    kinds = []
    for call in (theirs, ours):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                call()
            kinds.append(None)
        except Exception as error:
            kinds.append(type(error))
    assert kinds[0] is not None, "torch accepts this; the test is wrong"
    assert kinds[1] is kinds[0], f"torch raises {kinds[0].__name__}, ours {kinds[1]}"
