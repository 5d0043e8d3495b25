"""Run every experiment of the laboratory in full and write docs/laboratory.md: ``make lab``.

    python benchmarks/laboratory.py [--out build/lab] [--jobs 1] [--only NAME ...] [--report]

Interrupted, the same command goes on where it was. ``--report`` writes the page from results that
are there already. Seconds in the tables are CPU seconds of one process.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from carrousel import lab
from carrousel.console import Bar

DOCS = Path(__file__).parent.parent / "docs"

HEAD = """# The laboratory

What is claimed of recurrent networks, as experiments. Each can be run again, as a whole
(`carrousel lab {name}`) or in less than a minute (`--quick`), and writes a table (CSV), a picture
(PNG) and its data (JSON). An interrupted run goes on where it was. This page was written by
`make lab`; numbers, failures included, are as they came out.

**Equal conditions.** On each task every network has at most the same number of trainable
parameters, the same number of updates with batches of the same size (Adam, gradient norm clipped
to 1, a step size that falls in a line to zero), and the same search for that step size: 0.01 and
0.03, one run each with a seed that takes no part afterwards. Each then runs with {seeds} seeds;
runs that did not succeed within the budget are counted and drawn as crosses. `ann` is a
feed-forward layer that sees the current input only: the memoryless baseline, also drawn as a
dotted line where it can be computed. `lstm` and `gru` are as torch initializes them; `forget bias`
and `chrono` say how the gate that keeps the memory begins (Gers et al. 2000; Tallec & Ollivier
2018).

**Published numbers.** HS97 is Hochreiter & Schmidhuber, *Long Short-Term Memory*, Neural
Computation 9(8), 1997. Their LSTM has no forget gate and learns by plain gradient descent, one
sequence an update. Ours has one, and learns by Adam in batches; the unit common to both is the
sequences seen until success, by the criterion of the article.

Measured on {processor}, {threads} thread(s), torch {torch}, Python {python}.

## The claims, and what became of them

{claims}
"""

CELL = """## One step, operation by operation

![one step of an LSTM](images/lab-cell.png)

`carrousel lab cell` prints every intermediate value of one step, for a cell of chosen size or of a
trained model (`--weights model.safetensors --layer encoder.rnn`); `carrousel.lab.cell.step` returns
them.

```python
import torch, carrousel
from carrousel.lab.cell import step

layer = carrousel.LSTM(input_size=2, hidden_size=3)
for operation in step(layer, x=torch.tensor([1.0, -1.0])):
    print(operation.name, operation.formula, operation.value)
```
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--out", type=Path, default=Path("build/lab"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=list(lab.MODULES), choices=lab.MODULES)
    parser.add_argument("--report", action="store_true", help="write the page, run nothing")
    arguments = parser.parse_args()
    if not arguments.report:
        for name in arguments.only:
            run(name, arguments.out, arguments.jobs)
    write_page(arguments.out)


def run(name: str, out: Path, jobs: int) -> None:
    with Bar(name) as progress:
        outcome = lab.run(name, lab.Options(folder=out, jobs=jobs, progress=progress))
    sys.stderr.write(f"{name}: {outcome.seconds:.0f} s\n")


def write_page(out: Path) -> None:
    """docs/laboratory.md and docs/images/lab-*.png from the JSON files and pictures in ``out``."""
    found = {name: out / f"{name}.json" for name in lab.MODULES}
    results = {n: json.loads(path.read_text()) for n, path in found.items() if path.exists()}
    if not results:
        sys.exit(f"no results in {out}")
    (DOCS / "images").mkdir(parents=True, exist_ok=True)
    for name in results:
        shutil.copy(out / f"{name}.png", DOCS / "images" / f"lab-{name}.png")
    draw_cell(DOCS / "images" / "lab-cell.png")
    first = next(iter(results.values()))
    head = HEAD.format(
        name="NAME", seeds=first["seeds"], claims=claims(results), **first["machine"]
    )
    sections = [section(name, result) for name, result in results.items()]
    (DOCS / "laboratory.md").write_text("\n".join([head, *sections, CELL]))


def draw_cell(path: Path) -> None:
    import torch

    from carrousel.lab.cell import Weights, step
    from carrousel.lab.cell.picture import picture
    from carrousel.lab.outcome import as_png

    x, h, c = torch.tensor([1.0, -1.0]), torch.tensor([0.1, -0.6, 0.4]), torch.tensor([1, -2, 0.5])
    path.write_bytes(as_png(picture(step(Weights.random("lstm", 2, 3), x, h, c))))


def claims(results: dict[str, Any]) -> str:
    lines = ["| experiment | claim | | evidence |", "|---|---|---|---|"]
    for name, result in results.items():
        for finding in result["findings"]:
            verdict = "confirmed" if finding["holds"] else "**not confirmed**"
            claim, evidence = (finding[part].replace("|", "\\|") for part in ("claim", "evidence"))
            lines.append(f"| [{name}](#{name}) | {claim} | {verdict} | {evidence} |")
    return "\n".join(lines)


def section(name: str, result: dict[str, Any]) -> str:
    about = lab.experiment(name).ABOUT
    return "\n\n".join(
        [
            f'<a id="{name}"></a>\n\n## {about.title}',
            f"*{about.question}* (`carrousel lab {name}`)",
            f"**Theory.** {about.theory}",
            f"**Method.** {about.method}",
            f"![{about.title}](images/lab-{name}.png)",
            table(result["rows"]),
            "",
        ]
    )


def table(rows: list[dict[str, Any]]) -> str:
    names = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    head = "| " + " | ".join(name.replace("|", "\\|") for name in names) + " |"
    rule = "|" + "---|" * len(names)
    body = ["| " + " | ".join(text(row[name]) for name in names) + " |" for row in rows]
    return "\n".join([head, rule, *body])


def text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()
