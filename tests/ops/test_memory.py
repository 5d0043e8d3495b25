"""The memory of records goes from one step to the next, never to two at once, and is bounded."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from tests.nn.twins import every_cell, noise, twins

cpu = pytest.importorskip("carrousel.ops.cpu")
MEGABYTE = 1 << 20
MOST = 256 * MEGABYTE


def kept(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return cpu.kept(torch.empty(0, dtype=dtype), *shape)


def idle() -> int:
    return cpu._core.idle_memory()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1,), (0, 3), (3, 0, 5), (1000, 100), (2, 300, 70)])
def test_a_kept_tensor_is_an_ordinary_one(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    made = kept(*shape, dtype=dtype)
    assert (made.shape, made.dtype, made.device.type) == (shape, dtype, "cpu")
    assert made.is_contiguous()
    assert made.data_ptr() % 64 == 0
    assert torch.equal(made.fill_(2) * 3, torch.full(shape, 6, dtype=dtype))


def test_what_was_given_back_is_taken_again() -> None:
    first = kept(1, 700, 700)
    view, address, before = first[0, 3], first.data_ptr(), idle()
    del first
    assert idle() == before  # the view holds it
    other = kept(1, 700, 700)
    assert other.data_ptr() != address
    del view
    again = kept(1, 700, 690)  # a little less will do
    assert again.data_ptr() == address
    del again
    small = kept(1, 700, 100)  # for which that would be a waste
    assert small.data_ptr() != address


def test_no_more_lies_idle_than_so_much() -> None:
    quarter = MOST // 16
    held = [kept(quarter) for _ in range(6)]
    del held
    assert MOST // 2 < idle() <= MOST
    largest = kept(MOST // 4 + 1)
    before = idle()
    del largest  # kept by nobody, and nothing has to go because of it
    assert idle() == before


def test_what_lies_idle_for_long_is_freed() -> None:
    unusual = kept(3 * MEGABYTE)
    del unusual
    before = idle()
    for _ in range(600):
        kept(MEGABYTE // 8)
    assert idle() <= before - 12 * MEGABYTE


def test_many_threads_never_share_memory() -> None:
    def writes(number: int) -> bool:
        for turn in range(100):
            mine = kept(20_000 + 1000 * (turn % 5)).fill_(number)
            if not bool((mine == number).all()):
                return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(writes, range(8)))


@every_cell
def test_steps_that_wait_for_their_gradients_keep_their_records(cell: str) -> None:
    """As in accumulation, in a siamese network, or where a graph is kept."""
    theirs, ours = twins(cell, 5, 70)
    given = [noise(40, 6, 5, seed=seed) for seed in range(3)]
    for layer in (theirs, ours):
        outputs = [layer(x)[0] for x in given]  # all forward passes first
        for y in reversed(outputs):
            y.square().sum().backward(retain_graph=True)
            y.square().sum().backward()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-4)
