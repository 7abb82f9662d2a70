"""The command ``n2d``: its commands, and what becomes of their failures."""

from __future__ import annotations

import errno
import functools
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from n2d_framework.cli.commands.check_plugin import check_plugin
from n2d_framework.cli.commands.compare import compare
from n2d_framework.cli.commands.components import components
from n2d_framework.cli.commands.datasets import datasets
from n2d_framework.cli.commands.describe import describe
from n2d_framework.cli.commands.doctor import doctor
from n2d_framework.cli.commands.drift import drift
from n2d_framework.cli.commands.edit import edit
from n2d_framework.cli.commands.explain import explain
from n2d_framework.cli.commands.export import export
from n2d_framework.cli.commands.inspect import inspect
from n2d_framework.cli.commands.inspect_data import inspect_data
from n2d_framework.cli.commands.new_plugin import new_plugin
from n2d_framework.cli.commands.predict import predict
from n2d_framework.cli.commands.report import report
from n2d_framework.cli.commands.reproduce import reproduce
from n2d_framework.cli.commands.run import run
from n2d_framework.cli.commands.schema import schema
from n2d_framework.cli.commands.search import search
from n2d_framework.cli.commands.stability import stability
from n2d_framework.cli.commands.store import store
from n2d_framework.cli.commands.update import refit, update
from n2d_framework.cli.commands.upgrade import upgrade
from n2d_framework.cli.commands.verify import verify
from n2d_framework.cli.commands.warm_up import warm_up
from n2d_framework.cli.plugin_commands import PluginCommands
from n2d_framework.cli.store_location import private_caches, temporary_files
from n2d_framework.cli.terminal.console import say_error
from n2d_framework.cli.terminal.log_messages import Messages
from n2d_framework.cli.terminal.stderr_filter import without_chatter
from n2d_framework.cli.terminal.streams import own_streams, results_apart
from n2d_framework.errors import N2DError, OutputError
from n2d_framework.processes import SAFE_PATH
from n2d_framework.visible import visible

__all__ = ["app", "main"]

F = TypeVar("F", bound=Callable[..., Any])

app = typer.Typer(
    name="n2d",
    cls=PluginCommands,
    help="Cluster unlabelled data: embed, unfold the manifold, cluster.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: n2d run digits",
)

_messages = Messages()


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"n2d {version('n2d_framework')}\n")
        raise typer.Exit


@app.callback()
def _settings(
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", envvar="N2D_DEBUG", help="Show tracebacks, all warnings and log messages."
        ),
    ] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    _messages.debug = debug


def guarded(function: F) -> F:
    """Turn failures of a command into a message and an exit code.

    Errors of the framework give their own code (2 the request was wrong, 1 the work failed),
    an interrupt 130, and anything unexpected 1.
    """

    @functools.wraps(function)
    def command(*args: Any, **options: Any) -> None:
        try:
            output = options.get("out") or options.get("output") or Path()
            with _messages, results_apart(), temporary_files(output), private_caches():
                function(*args, **options)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except KeyboardInterrupt:
            say_error("interrupted", label="stopped")
            raise typer.Exit(130) from None
        except N2DError as error:
            _fail(error, str(error), error.exit_code)
        except OSError as error:
            remedy = _REMEDIES.get(error.errno or 0)
            if remedy is None:
                _fail(error, _surprise(error), 1)
            _fail(error, f"{error}; {remedy}", 1)
        except Exception as error:  # noqa: BLE001  # the last net: no one should meet a bare traceback
            _fail(error, _surprise(error), 1)

    return command  # type: ignore[return-value]


PluginCommands.guard = staticmethod(guarded)


#: What a user can do where the machine lacks something, whoever it is that meets the lack.
_REMEDIES = {
    errno.EMFILE: "raise the number of files that may be open (ulimit -n)",
    errno.ENFILE: "the machine has too many files open; close other programs",
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space within the quota",
    errno.EFBIG: "raise the size that files may have (ulimit -f)",
    errno.EROFS: "name a folder that may be written",
}


def _surprise(error: Exception) -> str:
    return f"unexpected {type(error).__name__}: {error} (n2d --debug shows where)"


def _fail(error: Exception, text: str, code: int) -> NoReturn:
    if _messages.debug:
        for part in traceback.format_exception(error):
            # A message may have lines that look like ours.
            sys.stderr.write(visible(part.rstrip("\n")).replace("\n", "\n  ") + "\n")
    say_error(text)
    raise typer.Exit(code)


for _command in (
    run,
    search,
    compare,
    report,
    reproduce,
    predict,
    describe,
    explain,
    edit,
    stability,
    drift,
    update,
    refit,
    inspect,
    inspect_data,
    verify,
    upgrade,
    export,
    components,
    datasets,
    store,
    schema,
    doctor,
    warm_up,
    new_plugin,
    check_plugin,
):
    app.command(_command.__name__.replace("_", "-"))(guarded(_command))
#: Another word that people look for.
app.command("check", hidden=True)(guarded(drift))


def main() -> NoReturn:
    """Entry point of the command ``n2d``."""
    # Libraries that are imported stay: to look through them for garbage is a tenth of a command.
    gc.set_threshold(10_000)
    # What TensorFlow writes on start-up is not news to anybody; a user's own setting wins.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Nothing that is started from here on, by whichever library, imports from the current folder.
    os.environ.setdefault(SAFE_PATH, "1")
    # A .numba_config.yaml in the current folder could name a cache, which numba unpickles.
    os.environ.setdefault("NUMBA_CACHE_DIR", "")
    # Whichever component imports them: what is done with a user's data is reported to no one.
    for switch in ("ORT_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ.setdefault(switch, "1")
    debug = "--debug" in sys.argv or bool(os.environ.get("N2D_DEBUG"))
    try:
        for number in _ENDING:
            # A command started with nohup, or in the background of a script, still ignores them.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _terminated)
        with own_streams(), nullcontext() if debug else without_chatter():
            app(prog_name="n2d")
    except OutputError as error:
        say_error(str(error))
        sys.exit(1)
    except _EndedBySignal as ended:
        with suppress(OSError):  # the terminal may be what has gone
            say_error(f"terminated by {signal.Signals(ended.number).name}", label="stopped")
        sys.exit(128 + ended.number)
    sys.exit(0)


class _EndedBySignal(BaseException):
    """Neither an error nor a ``SystemExit``, for whoever guards against those of plugins."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


#: Signals that end a run as an exception does: a closed terminal, ``kill`` and Ctrl-\\.
_ENDING = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)
]


def _terminated(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave as after an exception, so that partial output is removed."""
    for again in (*_ENDING, signal.SIGINT):
        signal.signal(again, signal.SIG_IGN)  # a second one must not interrupt that
    raise _EndedBySignal(number)
