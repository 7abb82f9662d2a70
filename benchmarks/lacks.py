"""Lack of space, descriptors or permission: a command says so and leaves nothing half written."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from commands_tried import COMMANDS, COMPARE, FIRST, PREDICT, RUN, Place, check_words, place

__all__ = ["descriptors", "full_disk", "read_only", "small_disk"]


def _refused(here: Place, before: Callable[[], object], where: str) -> dict[str, int]:
    """Each command under some lack: it succeeds, or says what is wrong and leaves no half file."""
    codes = {}
    for command, (words, check, reset) in COMMANDS.items():
        reset(here)
        old = check(here)
        process = here.start(*words, before=before)
        codes[command] = process.wait()
        said = process.said
        assert codes[command] in (0, 1, 2), f"{where}, {command}: {said}"
        check_words(said, f"{where}, {command}")
        assert codes[command] == 0 or "error" in said or "is missing" in said, (
            f"{where}, {command}: {said}"
        )
        hidden = here.hidden()
        assert not hidden, f"{where}, {command}: {hidden}: {said}"
        if codes[command]:
            assert command == "run" or check(here) == old, f"{where}, {command}"
        here.check_store()
        # What failed for a lack is not tried again by itself: it might be the component's fault.
        here.do(*words, *(["--retry-failed"] if command == "compare" else []))
    return codes


def full_disk(sizes: tuple[int, ...] = (0, 4, 32, 128, 512)) -> str:
    """No file may be larger than so many KiB (and SIGXFSZ is not sent): each write fails."""

    def limit(size: int) -> Callable[[], None]:
        def lower() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size * 1024, size * 1024))

        return lower

    with place() as here:
        here.do(*RUN[:2], *FIRST)
        found = {size: _refused(here, limit(size), f"files of {size} KiB") for size in sizes}
        return f"largest file in KiB, and exit codes: {_listed(found)}"


def descriptors(limits: tuple[int, ...] = (64, 32, 20, 14, 10)) -> str:
    """So few files may be open at once."""

    def limit(number: int) -> Callable[[], None]:
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))

    with place() as here:
        here.do(*RUN[:2], *FIRST)
        found = {n: _refused(here, limit(n), f"{n} descriptors") for n in limits}
        return f"descriptors, and exit codes: {_listed(found)}"


def _listed(found: dict[int, dict[str, int]]) -> str:
    return "; ".join(
        f"{limit}: {', '.join(f'{name} {code}' for name, code in codes.items())}"
        for limit, codes in found.items()
    )


def read_only() -> str:
    """Nothing may be written: no command leaves anything, each says so."""
    with place() as here:
        here.do(*RUN[:2], *FIRST)
        mounted = _mounted(here.folder, "--bind", str(here.folder)) and _mounted(
            here.folder, "-o", "remount,bind,ro"
        )
        before = sorted(str(path) for path in here.folder.rglob("*"))
        user = 0 if mounted or os.geteuid() else 65534
        if not mounted:
            here.folder.chmod(0o555)
        said = Path(tempfile.gettempdir()) / f"n2d-said-{os.getpid()}"
        try:
            for command, (words, _, _) in COMMANDS.items():
                pid = os.fork()
                if pid == 0:
                    output = os.open(said, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
                    os.dup2(output, 1)
                    os.dup2(output, 2)
                    if user:
                        os.setuid(user)
                    os.chdir(here.folder)
                    os.execv(sys.executable, [sys.executable, "-m", "n2d_framework", *words])
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                text = said.read_text()
                assert code in (1, 2), f"read-only, {command}: {code}: {text}"
                check_words(text, f"read-only, {command}")
        finally:
            said.unlink(missing_ok=True)
            if mounted:
                subprocess.run(["umount", str(here.folder)], check=True)
            here.folder.chmod(0o700)
        assert sorted(str(path) for path in here.folder.rglob("*")) == before
        how = "a read-only mount" if mounted else "a folder without permission to write"
        return f"{how}: each command says so and leaves nothing"


def _mounted(folder: Path, *options: str) -> bool:
    if shutil.which("mount") is None:
        return False
    command = ["mount", *options, str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def small_disk(sizes: tuple[int, ...] = (64, 128, 256, 512)) -> str:
    """A file system in memory of so many KiB for everything that is written."""
    with place() as here:
        here.do(*RUN[:2], *FIRST)
        disk = here.folder / "disk"
        disk.mkdir()
        found: dict[int, dict[str, int]] = {}
        for size in sizes:
            options = ("-t", "tmpfs", "-o", f"size={size}k", "tmpfs")
            if not _mounted(disk, *options):
                return "file systems cannot be mounted here; see the largest file instead"
            try:
                found[size] = {}
                for command, words in (
                    ("run", (*RUN[:2], "--out", "disk/out", "--store", "disk/store", "--no-plots")),
                    ("predict", (*PREDICT[:4], "disk/p.csv")),
                    ("compare", (*COMPARE[:2], "--out", "disk/cells", "--no-report")),
                ):
                    process = here.start(*words)
                    code = found[size][command] = process.wait()
                    said = process.said
                    assert code in (0, 1), said
                    check_words(said, f"{size} KiB, {command}")
                    assert not here.hidden(), here.hidden()
            finally:
                subprocess.run(["umount", str(disk)], check=True)
        return f"size in KiB, and exit codes: {_listed(found)}"
