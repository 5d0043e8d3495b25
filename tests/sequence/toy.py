"""Small sequences whose answer is easy to hear."""

import numpy as np

QUICK = {"hidden_size": 6, "ensemble": 1, "epochs": 12, "batch_size": 8, "convolution": False}
ALONE = QUICK | {"companion": False}  # of models that can have a companion


def waves(count: int = 40, channels: int = 2, seed: int = 0) -> tuple[list[np.ndarray], list[str]]:
    """Noise around 1 or -1, of unequal lengths."""
    noise = np.random.default_rng(seed)
    X = [noise.normal(1 - 2 * (k % 2), 0.5, (3 + k % 6, channels)) for k in range(count)]
    return X, ["down" if k % 2 else "up" for k in range(count)]
