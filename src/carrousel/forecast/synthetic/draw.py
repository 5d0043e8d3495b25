"""Random numbers for many series at once, on whatever device the generator lives on."""

import math

import torch
from torch import Tensor


class Draw:
    """Draws of one generator; (n, 1) shapes broadcast over the steps of n series."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator
        self.device = generator.device

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator, device=self.device)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return (
            torch.rand(*shape, generator=self.generator, device=self.device)
            .mul_(high - low)
            .add_(low)
        )

    def log_uniform(self, *shape: int, low: float, high: float) -> Tensor:
        return self.uniform(*shape, low=math.log(low), high=math.log(high)).exp_()

    def share(self, probability: float, *shape: int) -> Tensor:
        """True for about this share of the entries."""
        return self.uniform(*shape) < probability

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """low, ..., high - 1."""
        return torch.randint(low, high, shape, generator=self.generator, device=self.device)

    def choice(self, values: Tensor, weights: Tensor, n: int) -> Tensor:
        """(n,) of the values (K,), as often as their weights (K,) say."""
        which = torch.multinomial(weights, n, replacement=True, generator=self.generator)
        return values[which]

    def poisson(self, rate: Tensor) -> Tensor:
        return torch.poisson(rate, generator=self.generator)

    def gamma(self, shape: Tensor) -> Tensor:
        return torch._standard_gamma(shape, generator=self.generator)

    def permutation(self, n: int) -> Tensor:
        return torch.randperm(n, generator=self.generator, device=self.device)
