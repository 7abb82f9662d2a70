"""Commands that plugins bring: found without an import, called like the framework's own."""

from __future__ import annotations

import sys

import pytest

COMMAND = """
import typer

def info(path: str, loud: bool = False) -> None:
    '''Say something of a graph.'''
    typer.echo((path.upper() if loud else path) + " is a graph")

def fails() -> None:
    from n2d_framework.plugin import DataError
    raise DataError("no graph in it")
"""


@pytest.fixture
def plugin(install_plugin):
    """Install plugins whose commands are in a module that must not be imported for nothing."""

    def install(module: str = "graphs", commands: str = "graph-info = graphs_cli:info") -> None:
        install_plugin(module, "", distribution=module, commands=commands)
        install_plugin("graphs_cli", COMMAND, distribution=f"{module}-cli")

    return install


def test_a_command_of_a_plugin_is_called_with_its_options(plugin, n2d):
    plugin()
    done = n2d("graph-info", "a", "--loud")
    assert (done.exit_code, done.output) == (0, "A is a graph\n")
    assert "Say something of a graph." in n2d("graph-info", "--help").output


def test_help_lists_it_and_imports_nothing_of_it(plugin, n2d):
    plugin()
    shown = n2d("--help").output
    assert "graph-info" in shown
    assert "Brought by graphs 1.0." in shown
    assert "graphs_cli" not in sys.modules


def test_its_failures_are_messages_and_exit_codes(plugin, n2d):
    plugin(commands="graph-fails = graphs_cli:fails")
    done = n2d("graph-fails")
    assert done.exit_code == 2
    assert "no graph in it" in done.output


@pytest.mark.parametrize("target", ["absent_module:info", "graphs_cli:absent", "graphs_cli"])
def test_one_that_cannot_be_imported_costs_only_itself(plugin, n2d, target):
    plugin(commands=f"graph-info = {target}")
    done = n2d("graph-info")
    assert done.exit_code == 1
    assert "command 'graph-info' of graphs 1.0 cannot be used" in done.output
    assert n2d("--help").exit_code == 0


def test_one_that_two_plugins_announce_is_not_called(plugin, install_plugin, n2d):
    plugin()
    install_plugin("others", "", distribution="others", commands="graph-info = graphs_cli:info")
    done = n2d("graph-info", "a")
    assert done.exit_code == 2
    assert "graphs 1.0 and others 1.0 announce it" in " ".join(done.output.split())
    assert "graph-info" in n2d("components").output


def test_the_framework_s_own_command_comes_first(plugin, n2d):
    plugin(commands="schema = graphs_cli:info")
    assert n2d("schema").output.startswith("{")
    shown = " ".join(n2d("components").output.split())
    assert "command schema of a plugin is not used" in shown


def test_a_blocked_plugin_has_no_command(plugin, n2d, monkeypatch):
    plugin()
    monkeypatch.setenv("N2D_BLOCK_PLUGINS", "graphs")
    assert n2d("graph-info", "a").exit_code == 2
    assert "graph-info" not in n2d("--help").output


def test_an_unknown_command_is_refused(n2d):
    assert n2d("graph-info").exit_code == 2
