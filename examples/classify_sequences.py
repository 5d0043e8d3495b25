"""Tell kinds of movement apart, see when each was recognized, and what the answer relied on.

The movements are made by a formula: a walk swings slowly, a run quickly, and a fall is one jolt in
either of them.
"""

import numpy as np

from carrousel import SequenceClassifier

KINDS = ("walk", "run", "fall")


def movement(kind: str, noise: np.random.Generator) -> np.ndarray:
    """Between 30 and 60 steps of two sensors."""
    steps = int(noise.integers(30, 60))
    pace = {"walk": 0.25, "run": 0.6}.get(kind, noise.choice([0.25, 0.6]))
    phase = pace * np.arange(steps) + noise.uniform(0, 6)
    x = np.stack([np.sin(phase), np.cos(2 * phase)], 1) + noise.normal(0, 0.2, (steps, 2))
    if kind == "fall":
        x[noise.integers(10, steps - 5) :][:3] += 3
    return x


noise = np.random.default_rng(0)
labels = [KINDS[k % 3] for k in range(150)]
X = [movement(label, noise) for label in labels]

model = SequenceClassifier(hidden_size=24, ensemble=1, epochs=15, bidirectional=False)
model.fit(X[:120], labels[:120])
print(f"right of the other 30: {model.score(X[120:], labels[120:]):.0%}")
print(model.evaluate(X[120:], labels[120:]).by_class)

fall = next(k for k in range(120, 150) if labels[k] == "fall")
found = model.explain(X[fall])
print(f"{found.answer}: decided at step {found.decided} of {len(found.steps)}")
found.plot().savefig("why.png")

stream = model.stream()  # the same while it happens
for step, reading in enumerate(X[fall]):
    chances = dict(zip(model.classes_, stream.update(reading)[0], strict=True))
    if chances["fall"] > 0.9:
        print(f"a fall is certain at step {step}")
        break
