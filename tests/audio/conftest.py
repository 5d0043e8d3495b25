"""Sounds that a formula makes."""

import numpy as np
import pytest

RATE = 8000


def tone(hertz: float, seconds: float = 0.5, rate: int = RATE, level: float = 0.5) -> np.ndarray:
    """(n,) float32."""
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@pytest.fixture
def noise() -> np.ndarray:
    """0.7 seconds of white noise, (5600,) float32."""
    return np.random.default_rng(0).normal(0, 0.1, 5600).astype(np.float32)
