"""What the kernels in Triton take of a GPU's processor, compiled for it without having one.

    python -m benchmarks.gpu_resources --capability 90 --units 64 128 --dtypes bfloat16

Registers of a thread, bytes spilled to memory, shared memory of a program, and whether the backward
pass of a layer of that size is one kernel (fused) or a product and a kernel a step (alternating).
Triton brings the assembler; it must not interpret (TRITON_INTERPRET).
"""

import argparse
import re
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # also as a plain script

from carrousel.ops.cells import BY_MODE, MODES, NUMBER
from carrousel.ops.rules import RULES

NEWER = {rule.cell.modes[0]: rule for rule in RULES[:6] if not rule.variant}
INTEGERS = ("batch", "y_width", "last", "first", "rows_now", "first_before", "size_before")
INTEGERS += ("since", "until")
GRADIENTS = ("dh0", "dc0", "dn0", "dm0", "dh", "dc")  # float32 whatever the layer is


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--capability", type=int, default=90)
    parser.add_argument(
        "--modes", nargs="+", default=["LSTM", "GRU", "RNN_TANH"], choices=[*MODES, *NEWER]
    )
    parser.add_argument("--units", type=int, nargs="+", default=[64])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    given = parser.parse_args(arguments)
    print("| kernel | registers | spilled, bytes | shared memory, bytes |")
    print("|---|---|---|---|")
    for mode, units, name in product(given.modes, given.units, given.dtypes):
        made = of_rule if mode in NEWER else kernels
        for scheme, kernel, known in made(mode, units, getattr(torch, name)):
            found = resources(kernel, known, name, given.capability)
            label = f"{mode} {name} H {units}, {scheme} {kernel.__name__}"
            print(f"| {label} | " + " | ".join(map(str, found)) + " |", flush=True)
    return 0


def kernels(mode: str, units: int, dtype: torch.dtype):
    """Scheme, kernel and what it is compiled with, forward and back, all that is asked recorded."""
    from carrousel.ops.gpu import alternating, fused
    from carrousel.ops.gpu.layer import _Size

    size = _Size.of(NUMBER[mode], torch.empty(1, 1, 1), None, units)
    scheme, module = ("fused", fused) if size.resident(dtype) else ("alternating", alternating)
    more = {"REVERSE": False, "PRECISION": "tf32"} if module is fused else {}
    more["ROWS"] = fused.ROWS if module is fused else size.rows_of_a_program()
    back = {"SPLIT": size.splits, "INSIDE": size.S > 0, "TOTALS": True}
    back["INSIDE_C"] = BY_MODE[mode].has_cell
    yield scheme, module.forward, size.known | more | {"RECORD": True}
    yield scheme, module.backward, size.known | more | back


def of_rule(mode: str, units: int, dtype: torch.dtype):
    """The same of a cell that torch lacks, with one head."""
    from carrousel.ops.gpu import layer, recurrence, rules
    from carrousel.ops.gpu.fused import ROWS

    rule, padded = NEWER[mode], recurrence.padded(units)
    fits = rule.gates * padded**2 * dtype.itemsize <= layer.RESIDENT
    how = rules.RESIDENT if fits else rules.GIVEN
    how = how if rule.product else rules.NO_PRODUCT
    size = units if how is rules.RESIDENT else recurrence.SCANNED
    known = {
        "hidden": units, "size": size, "RULE": rule.number, "G": rule.gates, "K": rule.saved,
        "HOW": how.value, "REVERSE": False, "PRECISION": "tf32", "ROWS": ROWS,
        "UNITS": recurrence.padded(size), "num_warps": 8 if size >= 128 else 4,
    }  # fmt: skip
    scheme = "alternating" if how is rules.GIVEN else "fused"
    yield scheme, rules.forward, known | {"RECORD": True}
    yield scheme, rules.backward, known | {"TOTALS": True}


def resources(kernel: Any, known: dict[str, Any], name: str, capability: int) -> tuple[str, ...]:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    warps = known.pop("num_warps")
    signature = {one.name: kind(one.name, kernel, known, name) for one in kernel.params}
    source = ASTSource(kernel, signature, constexprs=known)
    target = GPUTarget("cuda", capability, 32)
    compiled = triton.compile(source, target=target, options={"num_warps": warps})
    assembler = Path(triton.__file__).parent / "backends/nvidia/bin/ptxas"
    architecture = f"sm_{capability}" + "a" * (capability >= 90)
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "kernel.ptx"
        text.write_text(compiled.asm["ptx"], "utf-8")
        command = [assembler, "-v", f"--gpu-name={architecture}", text, "-o", f"{text}.cubin"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    registers, spilled = re.search(r"Used (\d+) reg", said), re.search(r"(\d+) bytes spill", said)
    assert registers is not None
    assert spilled is not None
    return registers[1], spilled[1], str(compiled.metadata.shared)


def kind(argument: str, kernel: Any, known: dict[str, Any], name: str) -> str:
    """Its type, in Triton's words."""
    if argument in known:
        return "constexpr"
    if argument in INTEGERS:
        return "i32"
    if argument in ("offsets", "steps_of"):
        return "*i64" if argument == "offsets" else "*i32"
    states = argument in ("h", "c") and "sums" in kernel.arg_names  # of the alternating way
    moved = argument in ("h0", "c0", "n0", "m0") and "ms" in kernel.arg_names  # of a rule's forward
    if states or moved or argument in GRADIENTS:
        return "*fp32"
    return {"float32": "*fp32", "bfloat16": "*bf16"}[name]


if __name__ == "__main__":
    sys.exit(main())
