"""One color per gate and state, the same everywhere (Okabe & Ito, color-blind safe)."""

COLORS = {
    "forget": "#0072B2",
    "input": "#009E73",
    "candidate": "#E69F00",
    "output": "#CC79A7",
    "cell": "#D55E00",
    "hidden": "#56B4E9",
    "reset": "#0072B2",
    "update": "#009E73",
    "series": "#4D4D4D",
}
