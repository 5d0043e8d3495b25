"""What a command does before it works: only what it needs, and no looking for garbage."""

import gc

import pytest

from carrousel import cli
from carrousel.cli.imports import importing


@pytest.mark.parametrize("looked", [True, False])
def test_nothing_is_collected_while_modules_are_imported(looked):
    before = gc.isenabled()
    (gc.enable if looked else gc.disable)()
    try:
        with importing():
            assert not gc.isenabled()
        assert gc.isenabled() == looked
    finally:
        gc.unfreeze()
        (gc.enable if before else gc.disable)()


def names(app):
    return {cli._name(one) for one in app.registered_commands} | {
        one.name for one in app.registered_groups
    }


def test_the_command_that_is_typed_is_built_by_itself():
    every = names(cli.app)
    assert {"forecast", "lab"} < every
    for name in every:
        assert names(cli._with([name])) == {name}
    for typed in ([], ["--version"], ["forcast"]):
        assert cli._with(typed) is cli.app
    assert names(cli.app) == every
