"""Fixtures for all tests."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tests are small: threads that wait for each other on a busy machine gain nothing."""
    torch.set_num_threads(1)


@pytest.fixture
def threads() -> Iterator[None]:
    """Lets a test call torch.set_num_threads; the number is as before afterwards."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
