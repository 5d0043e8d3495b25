"""The table of cells says what the equations, the kernels and torch say."""

import pytest
import torch

import carrousel
from carrousel import _core
from carrousel.nn import LAYERS
from carrousel.ops import cpu, reference
from carrousel.ops.cells import (
    BY_MODE,
    CELLS,
    HALF,
    MODES,
    NUMBER,
    PLAIN_MODES,
    name_of,
    nonlinearity,
)  # fmt: skip

B, I, H = 2, 3, 4
modes = pytest.mark.parametrize("mode", MODES)
plain_modes = pytest.mark.parametrize("mode", PLAIN_MODES)


def run(mode):
    cell, generator = BY_MODE[mode], torch.Generator().manual_seed(0)
    rows = cell.blocks * H
    shapes = ((rows, I), (rows, H), (rows,), (rows,))
    weights = [torch.randn(shape, generator=generator) for shape in shapes]
    if cell.norm_rows(mode):
        weights.append(torch.randn(cell.norm_rows(mode) * H, generator=generator))
    x, h, c = (torch.randn(B, size, generator=generator) for size in (I, H, H))
    return cell, x, h, c if cell.has_cell else None, weights


@modes
def test_gates_and_memory_are_those_of_the_equations(mode):
    cell, x, h, c, weights = run(mode)
    after, memory, gates = reference.step(mode, x, h, c, weights)
    assert tuple(gates) == cell.gates
    assert sorted(cell.shown) == sorted(cell.gates)
    assert (memory is not None) is cell.has_cell
    if cell.keeps is None:
        return
    before, state = (h, after) if memory is None else (c, memory)
    torch.testing.assert_close(state, gates[cell.keeps] * before + cell.writes(gates))
    if mode != cell.normalized:  # with layer normalization it is tanh(LN(state))
        shown = after if cell.exposes is None else gates[cell.exposes] * state.tanh()
        torch.testing.assert_close(after, shown)
    assert bool((cell.weight(gates) >= cell.writes(gates).abs() - 1e-6).all())


@plain_modes
def test_the_kernels_save_what_the_table_says(mode):
    cell, x, h, c, weights = run(mode)
    _, c_n, saved, cells = _core.cell_step(NUMBER[mode], 1, x, h, c, weights, I, H, True)
    assert (c_n is not None) is (cells is not None) is cell.has_cell
    assert (0 if saved is None else saved.size(1)) == cell.saved * H
    if saved is not None:  # the gates, in the order of the weights
        _, _, gates = reference.step(mode, x, h, c, weights)
        for k, name in enumerate(cell.gates):
            torch.testing.assert_close(saved[:, k * H : (k + 1) * H], gates[name])


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_layers_and_cells_of_every_kind_are_public_and_torchs_twins(cell):
    for source in (carrousel, torch.nn):
        layer, one = getattr(source, cell.title)(I, H), getattr(source, f"{cell.title}Cell")(I, H)
        assert name_of(layer) == name_of(one) == cell.name
        assert layer.mode in cell.modes
        assert len(layer.weight_hh_l0) == len(one.weight_hh) == cell.blocks * H
    assert LAYERS[cell.name] is getattr(carrousel, cell.title)
    assert name_of(torch.nn.Linear(1, 1)) is None


def test_modes_are_numbered_as_the_kernels_number_them():
    plain = {mode for cell in CELLS.values() for mode in cell.modes}
    normalized = {cell.normalized for cell in CELLS.values() if cell.normalized}
    assert plain | normalized | set(HALF.values()) == set(MODES)
    assert plain == set(PLAIN_MODES) == set(HALF)
    assert [nonlinearity(mode) for mode in MODES[:2]] == ["tanh", "relu"]
    assert len(cpu.GATES) == len(cpu.SAVED) == len(MODES)
