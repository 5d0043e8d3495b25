"""The kernels compiled and linked for macOS and Windows, from Linux, by zig's clang.

    python tools/check_platforms.py WORK [--python-source FOLDER] [targets ...]

CMakeLists.txt is read as it is on those systems, a warning is an error, and of what the library
leaves open only Python's own names may stay so. Nothing is run: whether the numbers are right, the
wheels' workflow tells on machines of their own. WORK keeps zig and its caches for the next time.

Windows has a ``pyconfig.h`` of its own, which only Python's source has (FOLDER/PC; ``apt-get
source python3.11`` brings one). zig brings MinGW's headers, not Visual Studio's: clang-cl is not
tried.
"""

import argparse
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from check_wheel import ROOT, environment, pip, run

SYSTEMS = {  # zig's name of a target: CMake's names of system and processor
    "aarch64-macos": ("Darwin", "arm64"),
    "x86_64-macos": ("Darwin", "x86_64"),
    "x86_64-windows-gnu": ("Windows", "AMD64"),
}
PYTHON_NAME = re.compile(r"\b_?Py\w+")

# Stands where a compiler is looked for. zig's linker knows no lists of symbols in files, which is
# how nanobind names what Python brings on macOS; libdl is what the Python that runs this was linked
# with; and objects are compiled quickly, not well.
COMPILER = """#!{python}
import os, sys
words = [
    "-Wl,-undefined,dynamic_lookup" if word.startswith("-Wl,@") else
    "-shared" if word == "-bundle" else word for word in sys.argv[1:] if word != "-ldl"
]
if "-c" in words:
    words += ["-Werror", "-O1"]
os.execv({python!r}, [{python!r}, "-m", "ziglang", {tool!r}, *{more!r}, *words])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--python-source", type=Path, help="where PC/pyconfig.h is, for Windows")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(SYSTEMS)}")
    given = parser.parse_intermixed_args()  # targets after options, too
    work = given.work.resolve()
    python = work / "tools" / "bin" / "python"
    if not python.exists():
        python = environment(work / "tools")
        pip(python, "ziglang", "nanobind>=2.4", "cmake", "ninja")
    for target in given.targets or SYSTEMS:
        if "windows" in target and given.python_source is None:
            print(f"{target}: left out, for want of --python-source")
            continue
        library = built(python, work / target, target, given.python_source)
        print(f"{target}: {library.name}, {library.stat().st_size / 1e6:.1f} MB", flush=True)


def built(python: Path, place: Path, target: str, source: Path | None) -> Path:
    """The extension for ``target``, linked."""
    place.mkdir(parents=True, exist_ok=True)
    system, processor = SYSTEMS[target]
    headers = place / "include"
    shutil.copytree(sysconfig.get_path("include"), headers, dirs_exist_ok=True)
    options = {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_SYSTEM_NAME": system,
        "CMAKE_SYSTEM_PROCESSOR": processor,
        "CMAKE_CXX_COMPILER": tool(python, place / "c++", "c++", "-target", target),
        "CMAKE_AR": tool(python, place / "ar", "ar"),
        "CMAKE_RANLIB": tool(python, place / "ranlib", "ranlib"),
        "CMAKE_INSTALL_NAME_TOOL": "true",  # nothing is installed
        "Python_EXECUTABLE": python,
        "Python_INCLUDE_DIR": headers,
        "nanobind_DIR": run(python, "-m", "nanobind", "--cmake_dir").strip(),
    }
    if source is not None and system == "Windows":
        shutil.copy2(source / "PC" / "pyconfig.h", headers)
        options["Python_LIBRARY"] = import_library(python, place, headers)
    program = str(python.parent / "cmake")
    run(program, "-S", ROOT, "-B", place / "build", "-G", "Ninja",
        f"-DCMAKE_MAKE_PROGRAM={python.parent / 'ninja'}",
        *(f"-D{name}={value}" for name, value in options.items()))  # fmt: skip
    subprocess.run([program, "--build", place / "build"], check=True)
    return next(path for path in (place / "build").glob("_core.*") if path.is_file())


def tool(python: Path, path: Path, name: str, *more: str) -> Path:
    path.write_text(COMPILER.format(python=str(python), tool=name, more=list(more)), "utf-8")
    path.chmod(0o755)
    return path


def import_library(python: Path, place: Path, headers: Path) -> Path:
    """What a linker for Windows wants of Python: the names that its headers declare."""
    texts = (path.read_text("utf-8", "replace") for path in headers.rglob("*.h"))
    names = sorted({name for text in texts for name in PYTHON_NAME.findall(text)})
    version = f"python{sys.version_info.major}{sys.version_info.minor}"
    definition, library = place / "python.def", place / f"{version}.lib"
    definition.write_text("\n".join([f"LIBRARY {version}.dll", "EXPORTS", *names]) + "\n")
    run(python, "-m", "ziglang", "dlltool", "-m", "i386:x86-64", "-d", definition, "-l", library)
    return library


if __name__ == "__main__":
    main()
