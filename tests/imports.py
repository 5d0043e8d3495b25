"""The package's imports as a graph, read from its files: nothing is run."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent / "src" / "carrousel"
ABOUT = "carrousel"  # the front door itself, from which the inside may take the version alone


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {_name(path): path for path in sorted(ROOT.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    """Every module, read once and when it is first asked for: not where tests are only listed."""
    return {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}


@cache
def imported(module: str) -> dict[str, int]:
    """What ``module`` imports of the package, wherever it does (inside functions and under
    TYPE_CHECKING, too), and in which line."""
    found: dict[str, int] = {}
    for node in ast.walk(trees()[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = absolute(module, node)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                found[whole if whole in FILES or base == ABOUT else base] = node.lineno
    return {name: line for name, line in found.items() if name.split(".")[0] == ABOUT}


def absolute(module: str, node: ast.ImportFrom) -> str:
    """The module or package that ``node`` in ``module`` imports from."""
    if not node.level:
        return node.module or ""
    is_package = FILES[module].name == "__init__.py"
    package = module.split(".")[: len(module.split(".")) - node.level + is_package]
    return ".".join([*package, *([node.module] if node.module else [])])


@cache
def graph() -> dict[str, set[str]]:
    """For every module those that must have run before it can be used: what it imports, and the
    packages in which that lies."""
    edges: dict[str, set[str]] = {}
    for module in FILES:
        edges[module] = set()
        for target in imported(module):
            parts = target.split(".")
            opened = {".".join(parts[:k]) for k in range(2, len(parts) + 1)}
            edges[module] |= {
                one for one in opened & FILES.keys() if not f"{module}.".startswith(f"{one}.")
            }
    return edges


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one (Tarjan 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(one: str) -> None:
        number[one] = low[one] = len(number)
        stack.append(one)
        for other in edges[one]:
            if other not in number:
                visit(other)
            if other in stack:
                low[one] = min(low[one], low[other])
        if low[one] == number[one]:
            circle = stack[stack.index(one) :]
            del stack[stack.index(one) :]
            if len(circle) > 1:
                found.append(sorted(circle))

    for one in edges:
        if one not in number:
            visit(one)
    return found
