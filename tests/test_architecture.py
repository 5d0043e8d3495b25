"""The rules of the house: imports lead downwards only, and what is public is a short list."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from carrousel.ops.cells import CELLS

from .imports import FILES, ROOT, absolute, circles, graph, imported, trees

# From the ground up: a file may import what lies below its floor, and its own package. Beside
# each other on the ground lie small things that know nothing of networks.
FLOORS = [
    {"_core"},
    {"colors", "wording", "console", "html_chart", "limits", "plottable", "showing"}
    | {"storage", "tokenizers", "data", "audio"},
    {"ops"},
    {"nn", "layer_forward", "cell_forward", "newer_layers", "layer_options", "machinery"}
    | {"states", "conventions", "patching", "adoption"}
    | {"quantization", "training"},
    {"record", "watching", "tracing", "intervention"},
    {"explain"},
    {"plots"},
    {"forecast", "sequence", "text", "lab"},
    {"web", "distributed"},
    {"cli", "__main__"},
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
MODELS = {"forecast", "sequence", "text", "lab"}  # which know nothing of each other
DOORS = {  # where a module is found by its name: public names, pictures, experiments
    "carrousel",
    "carrousel.plottable",
    "carrousel.lab",
}

PUBLIC = {
    "carrousel": "GRU GRUCell LSTM LSTMCell MinGRU MinLSTM RNN RNNCell SLSTM adopt adopting "
    "release trace load_trace intervene quantize Forecaster LanguageModel SequenceClassifier "
    "SequenceRegressor SequenceTagger Transcriber audio data explain forecast lab nn sequence "
    "show text __version__",
    "carrousel.audio": "LevelStream LogMel LogMelStream Recordings add_noise as_samples "
    "change_gain change_speed join_words leveled listen read_recordings read_sound resampled "
    "shift_time sound_of spec_augment vary write_sound",
    "carrousel.data": "Frequency Panel ReadOptions find_sample list_samples load_sample to_frame "
    "to_panel",
    "carrousel.data.store": "Source Store earlier is_source open_store",
    "carrousel.explain": "Ablation Attribution Fidelity GradientFlow HalfLife Influence Ledger "
    "METHODS Patching Place Probe Projection ReplacedWrites Steering WriteDictionary "
    "ablation_curves activation_patching attribute fidelity gradient_flow half_life influence "
    "ledger probe replace_writes steer survival write_dictionary",
    "carrousel.forecast": "Evaluation Forecaster Options Pretrained QUANTILES",
    "carrousel.forecast.distributed": "fit_on_ray fit_together on_ray",
    "carrousel.forecast.evaluation": "Evaluation METRICS Metric SIMPLE_METHODS SimpleMethod",
    "carrousel.forecast.large": "Predicts Results Summary forecast_store forecast_tables "
    "run_blocks",
    "carrousel.lab": "Finding MODULES Options Outcome experiment run save",
    "carrousel.nn": "Equations GRU GRUCell LSTM LSTMCell MinGRU MinLSTM RNN RNNCell SLSTM Stack "
    "States",
    "carrousel.record": "Info Record Records load_trace",
    "carrousel.sequence": "Dataset SequenceClassifier SequenceRegressor SequenceTagger Transcriber "
    "read_folder read_table read_texts read_ts read_wide",
    "carrousel.text": "LanguageModel Options Tokenizer",
}


def _top(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_no_circle_of_imports_between_modules():
    assert circles(graph()) == []


def test_no_circle_of_imports_between_packages():
    edges: dict[str, set[str]] = {_top(module): set() for module in FILES}
    for module, targets in graph().items():
        edges[_top(module)] |= {_top(target) for target in targets} - {_top(module)}
    assert circles(edges) == []


def test_every_module_has_its_floor():
    homeless = {_top(module) for module in FILES} - FLOOR.keys() - {""}
    assert not homeless, "say in FLOORS on which floor these live"


def test_imports_lead_downwards():
    upwards = []
    for module in FILES:
        home, above = _top(module), FLOOR.get(_top(module), len(FLOORS))
        for target, line in imported(module).items():
            other = _top(target)
            neighbors = {home, other} <= MODELS and home != other
            if target != "carrousel.__version__" and (
                FLOOR.get(other, len(FLOORS)) > above or neighbors
            ):
                upwards.append(f"{module}:{line} imports {target}")
    assert upwards == []


def test_modules_are_found_by_name_behind_three_doors_only():
    dynamic = {
        module
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in ("import_module", "__import__")
    }
    assert dynamic <= DOORS


def test_no_name_in_a_package_hides_a_module_of_it():
    """`import carrousel.explain.flow as m` gives the module, not a function of that name."""
    hidden = []
    for package, path in FILES.items():
        if path.name != "__init__.py":
            continue
        for node in trees()[package].body:
            if isinstance(node, ast.ImportFrom):
                home = absolute(package, node)
                bound = [(one.asname or one.name, f"{home}.{one.name}") for one in node.names]
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                bound = [(node.name, "")]
            elif isinstance(node, ast.Assign):
                bound = [(one.id, "") for one in node.targets if isinstance(one, ast.Name)]
            else:
                continue
            modules = [(f"{package}.{name}", source) for name, source in bound]
            hidden += [name for name, source in modules if name in FILES and source != name]
    assert hidden == []


def _pictures() -> list[tuple[str, str]]:
    """(module, address) of every picture that a result names."""
    found = []
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                given = [word.value for word in node.keywords if word.arg == "picture"]
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "picture":
                given = node.args[:1]
            else:
                continue
            found += [(module, one.value) for one in given if isinstance(one, ast.Constant)]
    return found


def test_pictures_hang_where_results_say_and_import_them():
    pictures = _pictures()
    assert len(pictures) > 10
    for module, address in pictures:
        home, name = address.split(":")
        assert callable(getattr(import_module(home), name)), address
        known = imported(home)
        assert module in known or module.rpartition(".")[0] in known, (module, address)


@pytest.mark.parametrize("module", PUBLIC)
def test_what_is_public(module):
    listed = import_module(module).__all__
    assert sorted(listed) == sorted(PUBLIC[module].split())
    assert all(getattr(import_module(module), name) is not None for name in listed)


def test_packages_are_there_after_one_import():
    names = [module for module in PUBLIC if module.count(".") == 1]
    code = f"import carrousel\nfor name in {names}: assert eval(name).__name__ == name"
    subprocess.run([sys.executable, "-c", code], check=True)


BRITISH = re.compile(  # a short list; longer words with these in them count, too
    "colou(?=r)|[^a-z]grey|behaviou(?=r)|neighbou(?=r)|favou(?=r)|[^a-z]centre|licence|learnt"
    "|(?<![éa-z])(?:optim|initial|normal|random|standard|token|summar|minim|maxim|recogn|vector"
    "|regular|quant|serial|parametr)is(?=e|a|i)",
    re.IGNORECASE,
)


def test_colors_have_their_names_in_the_one_palette():
    literal = re.compile(r"#[0-9a-f]{3}([0-9a-f]{3})?\b|\brgb\(\d", re.IGNORECASE)
    texts = [*FILES.values(), *(ROOT / "web").rglob("*.js"), *(ROOT / "web").rglob("*.css")]
    free = {ROOT / "colors.py", ROOT / "web" / "static" / "style.css"}
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in texts
        if path not in free
        for line in path.read_text("utf-8").splitlines()
        if literal.search(line)
    ]
    assert found == []


def test_words_are_spelled_the_american_way():
    texts = [*ROOT.rglob("*.py"), *ROOT.rglob("*.js"), *ROOT.rglob("*.css")]
    found = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()}"
        for path in texts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if BRITISH.search(line)
    ]
    assert found == []


def test_every_javascript_module_asks_to_be_type_checked():
    root = Path(__file__).parent.parent
    modules = [*root.glob("src/**/*.js"), *root.glob("tests/**/*.js")]
    assert len(modules) > 50
    first = {str(one): one.read_text("utf-8").split("\n")[0] for one in modules}
    assert [name for name, line in first.items() if line != "// @ts-check"] == []


def test_the_tests_tool_finds_circles_and_imports_inside_functions():
    edges = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a"}}
    assert circles(edges) == [["b", "c"]]
    assert "carrousel.record.table" in imported("carrousel.record.record")  # in a method
    assert (
        "carrousel.record" in graph()["carrousel.explain.accounting"]
    )  # the package of what it wants


MAKERS = {  # of what there is one maker: its module, what gives another away, and who else may
    "tables, bars and lines on a terminal": (
        "carrousel.console",
        r"^ *(from|import) rich\b(?!\.text)|\.[lr]just\(|\.center\(|[\"']\\r[^\\\"']|\btqdm\b",
        {"carrousel.cli.summary": "names of types"},
    ),
    "JSON": (
        "carrousel.storage.files",
        r"\bjson\.dumps?\(",
        {
            "carrousel.storage.checkpoint": "signed as it stands",
            "carrousel.storage.model_directory": "signed as it stands",
            "carrousel.storage.plain": "a check that it can be written again",
            "carrousel.lab.trials": "for a digest",
            "carrousel.forecast.evaluation.report.charts": "inside a page",
            "carrousel.web.export": "inside a page",
            "carrousel.web.library": "an answer, as short as can be",
            "carrousel.web.security": "an answer, as short as can be",
        },
    ),
    "CSV and Parquet": (
        "carrousel.storage.files",
        r"^ *import csv\b|\.(write|to)_(csv|parquet)\(",
        {"carrousel.data.files": "reads it"},
    ),
    "times in words": ("carrousel.wording", r"strftime|isoformat|datetime_as_string", {}),
}


@pytest.mark.parametrize("what", MAKERS)
def test_there_is_one_maker_of(what):
    maker, signs, others = MAKERS[what]
    found = {
        module
        for module, path in FILES.items()
        if re.search(signs, path.read_text("utf-8"), re.MULTILINE)
    }
    assert found - {maker} == set(others)


def _kinds_by_string() -> list[str]:
    """Where a name of a kind of cell is compared, matched or the key of a table."""
    names = {name for cell in CELLS.values() for name in (cell.name, cell.title, *cell.modes)}

    def named(node: ast.AST | None) -> bool:
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return any(map(named, node.elts))
        return isinstance(node, ast.Constant) and node.value in names

    found = []
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare):
                asked: list[ast.AST | None] = [node.left, *node.comparators]
            elif isinstance(node, ast.MatchValue):
                asked = [node.value]
            elif isinstance(node, ast.Dict):
                asked = list(node.keys)
            else:
                continue
            if any(map(named, asked)):
                found.append(f"{module}:{node.lineno}")
    return found


def test_kinds_of_cells_are_told_apart_by_the_one_table_only():
    """Colors of the laboratory's contestants and the public names beside it are no such test."""
    free = ("carrousel.ops.cells:", "carrousel.lab.plots:", "carrousel:")
    assert [place for place in _kinds_by_string() if not place.startswith(free)] == []


def test_kinds_of_cells_are_told_apart_by_the_one_table_only_in_the_page():
    static = ROOT / "web" / "static"
    names = "|".join(CELLS)
    asks = re.compile(rf'[=!]== "({names})"|"({names})" [=!]==|case "({names})"|\["({names})", ')
    found = [
        f"{path.name}: {line.strip()}"
        for path in static.rglob("*.js")
        for line in path.read_text().splitlines()
        if asks.search(line) and path.name != "cells.js"
    ]
    assert found == []


def test_imports_inside_the_package_are_relative():
    absolute = []
    for module, tree in trees().items():
        for node in ast.walk(tree):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            absolute += [f"{module}: {name}" for name in names if name.startswith("carrousel")]
    assert absolute == []


@pytest.mark.parametrize(("package", "most"), [("forecast", 18), ("sequence", 24), ("text", 12)])
def test_a_package_is_seen_at_one_glance(package: str, most: int):
    entries = {m.split(".")[2] for m in FILES if m.startswith(f"carrousel.{package}.")}
    assert len(entries | {"__init__"}) <= most, sorted(entries)
