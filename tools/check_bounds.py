"""The oldest versions that pyproject.toml allows, installed together, and the tests run on them.

    python tools/check_bounds.py WHEEL [--torch FOLDER] ... [tests ...]

The environment gets the wheel, its dependencies, every extra and pandas, each at the oldest release
that its bound admits (uv's ``lowest-direct``), and the newest pytest and hypothesis. ``--torch``
takes torch from folders instead (``pip install --no-deps --target FOLDER torch==VERSION``, and one
with NVIDIA's libraries where that build wants them): so one torch after the other is tried.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from check_wheel import ROOT, environment, pip, run

if sys.version_info >= (3, 11):
    import tomllib
else:
    sys.exit("python must be 3.11 or newer, to read pyproject.toml")

EXTRAS = ["explain", "sktime", "holidays", "excel", "reconcile", "web", "text", "audio"]
BESIDE = ["pandas", "pyarrow", "scikit-learn", "openpyxl"]  # of the tests' own: what data comes in
TESTS = [
    "tests/nn/test_cells.py", "tests/nn/test_packed.py", "tests/nn/test_compiled_views.py",
    "tests/nn/test_export.py", "tests/ops", "tests/data", "tests/storage", "tests/explain",
    "tests/forecast/test_covariates.py", "tests/forecast/test_robust.py", "tests/forecast/adapters",
    "tests/cli/test_scripting.py", "tests/text", "tests/test_package.py", "tests/test_plots.py",
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--torch", type=Path, action="append", default=[], help="has torch")
    parser.add_argument("tests", nargs="*", default=TESTS)
    given = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tools = environment(work / "tools")
        pip(tools, "uv")
        python = environment(work / "oldest")
        install(tools, python, work, not given.torch)
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", given.wheel.resolve())
        folders = os.pathsep.join(str(folder.resolve()) for folder in given.torch)
        print(run(python, "-m", "pip", "list", "--format=freeze"))
        sys.exit(tested(python, folders, given.tests))


def wanted() -> list[str]:
    """The requirements whose oldest versions are to be installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + [line for extra in EXTRAS for line in extras[extra]]
    return lines + [line for line in extras["test"] if name_of(line) in BESIDE]


def name_of(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].lower()


def install(tools: Path, python: Path, work: Path, with_torch: bool) -> None:
    asked, found = work / "asked.txt", work / "found.txt"
    asked.write_text("\n".join(wanted()), "utf-8")
    uv = (tools, "-m", "uv", "pip")
    lowest = ("--only-binary", ":all:", "--resolution", "lowest-direct", "--python", python)
    lines = run(*uv, "compile", "--quiet", "--no-annotate", "--no-header", *lowest, asked)
    brought = re.compile("(torch|triton|nvidia-.*|cuda-.*)=")
    kept = [line for line in lines.splitlines() if with_torch or not brought.match(line)]
    found.write_text("\n".join(kept), "utf-8")
    run(*uv, "install", "--quiet", "--python", python, "--no-deps", "--requirement", found)
    run(*uv, "install", "--quiet", "--python", python, "pytest", "hypothesis")


def tested(python: Path, folders: str, tests: list[str]) -> int:
    # Old packages beside new ones warn of each other, and pytest's plugins among them.
    quiet = ("-p", "no:cacheprovider", "-o", "filterwarnings=default")
    command = [str(python), "-m", "pytest", *quiet, *tests]
    given = {"PYTHONPATH": folders, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    print("$", *command, flush=True)
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **given}, check=False).returncode


if __name__ == "__main__":
    main()
