"""AdamW in one call for all parameters."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

BETAS, EPSILON = (0.9, 0.999), 1e-8


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019), on matrices only: a bias or a
    scale has no reason to be small.

    Step for step what ``torch.optim.AdamW(fused=True)`` computes, by the same kernel. That class
    imports torch's compiler when it is first used, 0.9 s before any training, and spends more
    time around the kernel than in it where networks are small.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], weight_decay: float) -> None:
        self.parameters = [p for p in parameters if p.requires_grad]
        self.decays = [weight_decay if p.ndim > 1 else 0.0 for p in self.parameters]
        self.state = [
            {
                "step": torch.zeros((), dtype=torch.float32, device=p.device),
                "exp_avg": torch.zeros_like(p),
                "exp_avg_sq": torch.zeros_like(p),
            }
            for p in self.parameters
        ]

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def norm(self) -> float:
        """Of the gradient of all parameters together."""
        gradients: list[Tensor] = [p.grad for p in self.parameters if p.grad is not None]
        if not gradients:
            return 0.0
        return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))).item()

    @torch.no_grad()
    def step(self, rate: float, divisor: float = 1.0) -> None:
        """Descend by the gradients that there are, divided by ``divisor`` on the way: to shorten
        them takes no pass of its own."""
        for decay in set(self.decays):
            which = [
                k for k, p in enumerate(self.parameters)
                if self.decays[k] == decay and p.grad is not None
            ]  # fmt: skip
            if which:
                self._update(which, decay, rate, divisor)

    def _update(self, which: list[int], decay: float, rate: float, divisor: float) -> None:
        steps, means, squares = (
            [self.state[k][name] for k in which] for name in ("step", "exp_avg", "exp_avg_sq")
        )
        gradients: list[Tensor] = [self.parameters[k].grad for k in which]  # type: ignore[misc]
        torch._foreach_add_(steps, 1)
        scale = None if divisor == 1 else torch.tensor(divisor, device=gradients[0].device)
        torch._fused_adamw_(
            [self.parameters[k] for k in which], gradients, means, squares, [], steps,
            lr=rate, beta1=BETAS[0], beta2=BETAS[1], weight_decay=decay, eps=EPSILON,
            amsgrad=False, maximize=False, grad_scale=scale,
        )  # fmt: skip
