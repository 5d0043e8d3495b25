"""The peer of ``benchmarks/text.py``: nanoGPT's recipe for a processor, in plain torch.

From its README: 4 layers of 4 heads, 128 wide, blocks of 64 characters, 12 of them a batch, no
dropout, 2,000 iterations; AdamW at 1e-3 with a warm-up of 100 and a cosine down to 1e-4.
"""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAYERS, HEADS, WIDTH, BLOCK, BATCH, ITERATIONS = 4, 4, 128, 64, 12, 2000


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(WIDTH, bias=False) for _ in range(2))
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.project = nn.Linear(WIDTH, WIDTH, bias=False)
        self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.down = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, C)
        shape = (*x.shape[:2], HEADS, WIDTH // HEADS)
        q, k, v = (s.view(shape).transpose(1, 2) for s in self.qkv(self.norm1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.embedding, self.position = nn.Embedding(tokens, WIDTH), nn.Embedding(BLOCK, WIDTH)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, p in self.named_parameters():
            if p.ndim > 1:
                residual = name.endswith(("project.weight", "down.weight"))
                nn.init.normal_(p, std=0.02 / (math.sqrt(2 * LAYERS) if residual else 1))

    def forward(self, tokens: Tensor) -> Tensor:  # (B, T) to (B, T, V)
        x = self.embedding(tokens) + self.position.weight[: tokens.shape[1]]
        return F.linear(self.norm(self.layers(x)), self.embedding.weight)


def train(
    tokens: Tensor, kinds: int, watch: Callable[[int, float, Transformer], None], every: int
) -> Transformer:
    """2,000 iterations; ``watch(iteration, seconds of training, model)`` every so often."""
    torch.manual_seed(1337)
    model, seconds = Transformer(kinds), 0.0
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99), fused=True)
    span = torch.arange(BLOCK + 1)
    for iteration in range(ITERATIONS):
        began = time.perf_counter()
        at = torch.randint(len(tokens) - BLOCK, (BATCH, 1))
        some = tokens[at + span]
        for group in optimizer.param_groups:
            group["lr"] = _rate(iteration)
        loss = F.cross_entropy(model(some[:, :-1]).flatten(0, 1), some[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seconds += time.perf_counter() - began
        if (iteration + 1) % every == 0:
            watch(iteration + 1, seconds, model)
    return model


@torch.no_grad()
def mean_loss(model: Transformer, tokens: Tensor) -> float:
    """Mean nats per character of a text in blocks of 64, as the model was trained."""
    count = (len(tokens) - 1) // BLOCK
    inputs, targets = (tokens[k : k + count * BLOCK].view(count, BLOCK) for k in (0, 1))
    parts = zip(inputs.split(256), targets.split(256), strict=True)
    sums = [F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") for x, y in parts]
    return float(sum(sums)) / (count * BLOCK)


def _rate(iteration: int) -> float:
    if iteration < 100:
        return 1e-3 * (iteration + 1) / 101
    return 1e-4 + 0.5 * (1 + math.cos(math.pi * (iteration - 100) / 1900)) * 9e-4
