"""Output on the terminal during a run."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.console import Console

from n2d_framework.cli.terminal import console
from n2d_framework.cli.terminal.console import as_json, seconds_text, size_text
from n2d_framework.cli.terminal.run_progress import RunProgress, step
from n2d_framework.plugin import EpochFinished, StageFinished, StageStarted

STAGE = ("run", "key", "embedder", "dense_ae")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    fake = Console(file=stream, force_terminal=True, width=80, color_system=None)
    monkeypatch.setattr(console, "_stderr", fake)
    return stream


def test_stages_epochs_and_durations(terminal: io.StringIO) -> None:
    seconds: dict[str, float] = {}
    with RunProgress() as progress:
        assert not progress.silent
        with step(progress, "load the data", seconds):
            pass
        progress(StageStarted(*STAGE))
        progress(EpochFinished(*STAGE, 3, 60, {"loss": 0.01234, "val_loss": 0.5, "lr": 0.1}))
        progress._live.refresh()
        progress(StageFinished(*STAGE, 12.34))
        progress(StageStarted("run", "key", "clusterer", "gmm"))
        progress(StageFinished("run", "key", "clusterer", "gmm", 0.1, cached=True))
        progress.begin("predict")
        progress.count(5, 10, "5 rows")
        progress._live.refresh()
    shown = terminal.getvalue()
    for word in ("load the data", "epoch 3/60", "loss 0.01234", "val_loss 0.5", "12.3 s"):
        assert word in shown
    assert "lr" not in shown
    assert "clusterer gmm" in shown
    assert "from the store" in shown
    assert "5 rows" in shown
    assert set(seconds) == {"load the data"}
    assert max(len(line) for line in shown.splitlines() if "\x1b" not in line) <= 80


def test_a_failed_stage_is_not_done(terminal: io.StringIO) -> None:
    with RunProgress() as progress:
        progress(StageStarted(*STAGE))
        progress(StageFinished(*STAGE, 1.0, error="ValueError: no"))
    assert "done" not in terminal.getvalue()


@pytest.mark.parametrize("quiet", [True, False])
def test_silence(quiet: bool, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    if not quiet:
        monkeypatch.setattr(console, "_stderr", Console(file=stream))
    with RunProgress(quiet=quiet) as progress, step(progress, "scores", {}):
        progress(StageStarted(*STAGE))
        progress(StageFinished(*STAGE, 1.0))
        progress.count(1, 2)
    assert stream.getvalue() == ""
    assert terminal.getvalue() == ""


def test_numbers_for_people() -> None:
    assert [seconds_text(s) for s in (0.126, 12.34, 99.96, 200, 3700)] == [
        "0.13 s", "12.3 s", "100.0 s", "3 min 20 s", "1 h 01 min",
    ]  # fmt: skip
    assert [size_text(s) for s in (0, 999, 1000, 12_345_678, 5e12)] == [
        "0 bytes", "999 bytes", "1.0 kB", "12.3 MB", "5.0 TB",
    ]  # fmt: skip
    assert as_json({"a": float("nan"), 1: (float("inf"), b"x")}, None) == (
        '{"a": null, "1": [null, "b\'x\'"]}'
    )


def test_chatter_of_native_code_is_dropped_and_the_rest_passed_on() -> None:
    code = (
        "import os, sys\n"
        "from n2d_framework.cli.terminal.stderr_filter import without_chatter\n"
        "with without_chatter():\n"
        "    os.write(2, b'WARNING: All log messages before absl::InitializeLog() is\\n')\n"
        "    os.write(2, b'I0000 00:00:17 stub.cc:31] no\\nE0000 00:00:17 bad\\nabort\\n')\n"
        "    print('python', file=sys.stderr)\n"
        "os.write(2, b'after\\n')\n"
        "print('after python', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = set(done.stderr.splitlines())
    assert lines == {"python", "E0000 00:00:17 bad", "abort", "after", "after python"}
