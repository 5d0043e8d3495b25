"""Run notebooks from beginning to end, each in a kernel of its own: ``make notebooks``.

    python tools/run_notebooks.py notebooks/*.ipynb [--out FOLDER]

They are kept without outputs; ``--out`` writes them with, for the site.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any


def execute(path: Path, folder: Path) -> Any:
    """The notebook with its outputs; an error in a cell is an error here."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    place = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=300, resources=place).execute()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    import nbformat

    for path in given.notebooks:
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            done = execute(path, Path(folder))
        size = len(nbformat.writes(done))
        print(f"{path.name}: {time.perf_counter() - begin:.1f} s, {size / 1e3:.0f} kB with outputs")
        if given.out is not None:
            given.out.mkdir(parents=True, exist_ok=True)
            nbformat.write(done, given.out / path.name)


if __name__ == "__main__":
    main()
