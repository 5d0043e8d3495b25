"""Types as a user's checker sees them: the package says that it has some, and they are whole."""

import ast
import dataclasses
import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import carrousel
from carrousel.data.reading import ReadOptions, Written
from carrousel.forecast.options import Given as Forecasters
from carrousel.forecast.options import Options as ForecasterOptions
from carrousel.text.options import Given as LanguageModels
from carrousel.text.options import Options as LanguageModelOptions

from .test_architecture import PUBLIC

ROOT = Path(__file__).parent.parent
PACKAGE = Path(carrousel.__file__).parent


def test_mypy_is_content_with_what_users_write():
    # Strict by pyproject.toml, and with its cache: after `make types` all of torch is known.
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "tests/typed/public_use.py"],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert checked.stdout.startswith("Success"), checked.stdout + checked.stderr


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").read_text() == ""


def test_the_stub_of_the_front_door_has_every_name():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    names = [one.asname for node in tree.body if isinstance(node, ast.ImportFrom)
             for one in node.names]  # fmt: skip
    assert sorted([*names, "__version__"]) == sorted(carrousel.__all__)


@pytest.mark.parametrize(
    ("given", "made", "positional"),
    [
        (Written, ReadOptions, set()),
        (Forecasters, ForecasterOptions, {"h", "cell", "reading"}),
        (LanguageModels, LanguageModelOptions, {"level", "cell"}),
    ],
    ids=["ReadOptions", "Forecaster", "LanguageModel"],
)
def test_options_by_name_are_those_there_are(given, made, positional):
    fields = {field.name for field in dataclasses.fields(made)} - positional
    own = set(typing.get_type_hints(given))
    assert own - (set(Written.__annotations__) if made is ForecasterOptions else set()) == fields


def signatures():
    for module, names in PUBLIC.items():
        for name in names.split():
            value = getattr(sys.modules.get(module) or __import__(module, fromlist=["x"]), name)
            if inspect.isclass(value) and value.__module__.startswith("carrousel"):
                yield f"{module}.{name}", value
                for method, function in vars(value).items():
                    public = not method.startswith("_") or method == "__init__"
                    if public and inspect.isfunction(function):
                        yield f"{module}.{name}.{method}", function
            elif inspect.isfunction(value):
                yield f"{module}.{name}", value


def test_public_functions_say_what_they_take_and_give():
    silent = []
    for name, function in signatures():
        if inspect.isclass(function) or not function.__module__.startswith("carrousel"):
            continue
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
        if signature.return_annotation is inspect.Signature.empty or any(
            p.annotation is inspect.Parameter.empty for p in own
        ):
            silent.append(name)
    assert sorted(set(silent)) == []
