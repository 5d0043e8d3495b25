"""Fixtures for all tests."""

import gc
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch

if not torch.cuda.is_available():  # what runs on a GPU is interpreted; to be said before the import
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Nothing is garbage while tests are imported and listed, and looking for it would take a fifth
    of that time; what is there afterwards stays, and is not looked through again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tests are small: threads that wait for each other on a busy machine gain nothing."""
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # nor do those of the processes that tests start


@pytest.fixture
def threads() -> Iterator[None]:
    """Lets a test call torch.set_num_threads; the number is as before afterwards."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def double() -> Iterator[None]:
    """Tensors are made in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def command_line(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """``command_line("forecast", ...)`` in this process: exit code, standard output and error."""
    from carrousel.cli import main

    def call(*arguments: object) -> Result:
        with pytest.raises(SystemExit) as end:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Result(end.value.code or 0, captured.out, captured.err)

    return call
