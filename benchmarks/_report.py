"""The JSON of a run as the Markdown tables of docs/performance.md: ``-m benchmarks._report``.

Arguments: the JSON files of one or several runs of ``benchmarks.cells`` (one machine).
"""

import json
import sys
from pathlib import Path
from typing import Any

TITLES = {
    "train": "Training: forward + backward, ms",
    "forward": "Forward without gradient, ms",
    "packed": "Packed, training, ms",
    "stream": "Streaming step, ms",
    "float64": "float64, training, ms",
    "memory": "Peak extra memory of a training step, MB",
    "tracing": "Tracing on against off, training, ms",
}


def table(header: list[str], lines: list[list[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *lines])


def times(kind: str, rows: list[dict[str, Any]]) -> str:
    """All rows of one kind: who took how long."""
    names = list(dict.fromkeys(name for row in rows for name in row["values"]))
    shares = any("share" in row for row in rows)
    scale = 1e-6 if kind == "memory" else 1e3
    lines = []
    for row in rows:
        values = row["values"]
        cells = [f"{row['cell']} {row['label']}"]
        cells += [f"{values[n] * scale:.3g}" if n in values else "" for n in names]
        cells.append(f"{row['ratio']:.2f}")
        lines.append([*cells, f"{row['share']:.0%}"] if "share" in row else cells)
    header = ["B x T, I, H", *names, "ratio", *(["share"] if shares else [])]
    return f"### {TITLES[kind]}\n\n{table(header, lines)}"


def bars(verdicts: list[dict[str, Any]]) -> str:
    lines = []
    for v in verdicts:
        worst = "" if v["worst_bar"] is None else f" ({v['worst_bar']})"
        lines.append(
            [
                v["bar"],
                f"{v['mean']:.2f} ({v['mean_bar']})",
                f"{v['worst']:.2f}{worst}",
                v["worst_row"],
                "yes" if v["reached"] else "no",
            ]
        )
    return table(["", "geometric mean (bar)", "worst (bar)", "worst at", "reached"], lines)


def main(*files: str) -> None:
    runs = [json.loads(Path(file).read_text()) for file in files]
    print(", ".join(f"{key} {value}" for key, value in runs[0]["machine"].items()), end="\n\n")
    print(bars([verdict for run in runs for verdict in run["bars"]]))
    rows = [row for run in runs for row in run["rows"]]
    for kind in TITLES:
        some = [row for row in rows if row["kind"] == kind]
        if some:
            print(f"\n{times(kind, some)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
