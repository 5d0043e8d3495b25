"""torch.compile, torch.export, ONNX, torch.func: the layer as part of a traced program."""

import io
import warnings
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
import torch
from tests.nn.twins import (
    TOLERANCE,
    complaints,
    difference,
    every_cell,
    leaves,
    noise,
    observe,
    states,
    twins,
)
from torch import Tensor, nn

import carrousel

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


needs_own_layers = pytest.mark.skipif(
    find_spec("carrousel.ops.cpu") is None, reason="dynamo refuses torch.nn's recurrent layers"
)


@pytest.fixture(autouse=True)
def fresh_compiler() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


class Head(nn.Module):
    """A layer inside a model, as people have it: last output into a linear layer."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer
        self.linear = nn.Linear(layer.hidden_size, 2, dtype=layer.weight_ih_l0.dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.layer(x)[0][-1])


@needs_own_layers
@every_cell
@pytest.mark.parametrize("given", [False, True], ids=["zero states", "given states"])
def test_compiles_into_one_graph(cell: str, given: bool) -> None:
    """Forward and backward; aot_eager runs the whole tracing machinery, only no code generator."""
    theirs, ours = twins(cell, 3, 9, 2, bidirectional=True)
    inputs = (noise(6, 4, 3), states(theirs, 4)) if given else (noise(6, 4, 3),)
    compiled = torch.compile(ours, fullgraph=True, backend="aot_eager")
    found = complaints(
        {name.replace("_orig_mod.", ""): t for name, t in observe(compiled, *inputs).items()},
        observe(theirs, *inputs),
    )
    assert not found, "\n".join(found)


@needs_own_layers
@every_cell
def test_compiles_with_shapes_that_change(cell: str) -> None:
    theirs, ours = twins(cell, 3, 9)
    compiled = torch.compile(ours, fullgraph=True, backend="aot_eager", dynamic=True)
    for steps, batch in ((6, 4), (7, 2), (3, 5)):
        x = noise(steps, batch, 3)
        assert difference(compiled(x)[0], theirs(x)[0]) <= TOLERANCE[torch.float32]


@needs_own_layers
@every_cell
def test_model_around_the_layer_trains_when_compiled(cell: str) -> None:
    """Inductor, the default backend, with the C++ compiler."""
    _, ours = twins(cell, 3, 9)
    model = Head(ours)
    compiled = torch.compile(model, fullgraph=True)
    x = noise(6, 4, 3)
    losses = []
    for forward in (model, compiled):
        model.zero_grad()
        forward(x).square().sum().backward()
        losses.append([weight.grad.clone() for weight in model.parameters()])
    for eager, fast in zip(*losses, strict=True):
        assert difference(fast, eager) <= TOLERANCE[torch.float32]


@needs_own_layers
@every_cell
def test_compiled_without_gradient(cell: str) -> None:
    theirs, ours = twins(cell, 3, 9)
    compiled = torch.compile(ours, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        x = noise(6, 4, 3)
        assert difference(compiled(x)[0], theirs(x)[0]) <= TOLERANCE[torch.float32]


@every_cell
@pytest.mark.parametrize("strict", [False, True], ids=["non-strict", "strict"])
def test_exported_program_equals_the_layer(cell: str, strict: bool) -> None:
    _, ours = twins(cell, 3, 9, 2, bidirectional=True, batch_first=True)
    x = noise(4, 6, 3)
    program = torch.export.export(ours.eval(), (x,), strict=strict)
    for mine, reference in zip(leaves(program.module()(x)), leaves(ours(x)), strict=True):
        assert difference(mine, reference) <= TOLERANCE[torch.float32]


@every_cell
def test_exported_program_takes_any_batch(cell: str) -> None:
    _, ours = twins(cell, 3, 9)
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(ours.eval(), (noise(6, 4, 3),), dynamic_shapes=({1: batch},))
    x = noise(6, 11, 3)
    assert difference(program.module()(x)[0], ours(x)[0]) <= TOLERANCE[torch.float32]


@every_cell
def test_exported_program_is_saved_and_loaded(cell: str) -> None:
    _, ours = twins(cell, 3, 9)
    x, file = noise(6, 4, 3), io.BytesIO()
    torch.export.save(torch.export.export(ours.eval(), (x,)), file)
    file.seek(0)
    assert difference(torch.export.load(file).module()(x)[0], ours(x)[0]) == 0


@every_cell
@pytest.mark.parametrize("layers", [1, 2], ids=["one layer", "two layers"])
def test_onnx_file_gives_the_same_output(cell: str, layers: int) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    _, ours = twins(cell, 3, 9, layers)
    x = noise(6, 4, 3)
    program = torch.onnx.export(ours.eval(), (x,), dynamo=True, verbose=False)
    session = runtime.InferenceSession(
        program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    outputs = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    for got, reference in zip(outputs, leaves(ours(x)), strict=True):
        assert difference(torch.from_numpy(got), reference.detach()) <= TOLERANCE[torch.float32]


@pytest.mark.parametrize(
    ("kind", "options"),
    [("LSTM", {}), ("GRU", {"zoneout": 0.1}), ("LSTM", {"layer_norm": True}), ("SLSTM", {})],
    ids=str,
)
def test_the_older_exporter_to_onnx_takes_a_layer_by_itself(kind: str, options: dict) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    layer, x, file = getattr(carrousel, kind)(3, 5, **options).eval(), noise(4, 2, 3), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is a newer one; that steps become a constant
        torch.onnx.export(layer, (x,), file, dynamo=False)
    session = runtime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    got = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    assert difference(torch.from_numpy(got), layer(x)[0].detach()) < 1e-5


@every_cell
def test_functional_call_and_grad_transform(cell: str) -> None:
    theirs, ours = twins(cell, 3, 9)
    x = noise(6, 4, 3)
    weights = {name: weight.detach() for name, weight in ours.named_parameters()}

    def loss(layer: nn.Module, values: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(layer, values, (x,))[0].square().sum()

    mine, reference = (
        torch.func.grad(lambda values, layer=layer: loss(layer, values))(weights)
        for layer in (ours, theirs)
    )
    for name in reference:
        assert difference(mine[name], reference[name]) <= TOLERANCE[torch.float32], name
