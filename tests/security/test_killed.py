"""Kill -9 during a save: the old file is whole, or the new one is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from n2d_framework.storage import decode, encode, read_file, write_atomic

#: Moments in a test run; the environment variable asks for more.
KILLS = int(os.environ.get("N2D_KILLS", "8"))
_SAVER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from n2d_framework.storage.files import write_atomic
    image = Path(sys.argv[2]).read_bytes()
    sys.stdout.write("go\\n"); sys.stdout.flush()
    write_atomic(sys.argv[1], image)
    sys.stdout.write("done\\n"); sys.stdout.flush()
    """
)
_SIZE = 40_000_000


@pytest.fixture(scope="module")
def new_image(tmp_path_factory) -> Path:
    """The file that is being saved."""
    noise = np.random.default_rng(1).bytes(_SIZE)
    path = tmp_path_factory.mktemp("new") / "image"
    path.write_bytes(encode({"which": "new"}, {"p": {"a": np.frombuffer(noise, "u1")}}, created=""))
    return path


def _start(path, image) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", _SAVER, str(path), str(image)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "go\n"
    return process


@pytest.fixture(scope="module")
def usual_seconds(tmp_path_factory, new_image) -> float:
    """Duration of an undisturbed save."""
    with _start(tmp_path_factory.mktemp("usual") / "a.n2d", new_image) as process:
        start = time.perf_counter()
        assert process.stdout.readline() == "done\n"
        return time.perf_counter() - start


@pytest.mark.parametrize("moment", range(KILLS))
def test_kill(tmp_path, usual_seconds, new_image, moment):
    path = tmp_path / "a.n2d"
    write_atomic(path, encode({"which": "old"}, {"p": {"a": np.zeros(9)}}, created=""))
    with _start(path, new_image) as process:
        # From before the first byte to behind the last, evenly with a random part.
        share = (moment + np.random.default_rng(moment).random()) / KILLS
        time.sleep(1.2 * usual_seconds * share)
        process.send_signal(signal.SIGKILL)
    manifest, parts = decode(read_file(path))
    assert (manifest["which"], parts["p"]["a"].nbytes) in (("old", 72), ("new", _SIZE))
    left = [item.name for item in tmp_path.iterdir() if item != path]
    assert all(name.startswith(".a.n2d.") and name.endswith(".tmp") for name in left)
    write_atomic(path, encode({"which": "next"}, {}, created=""))
    assert decode(read_file(path))[0] == {"which": "next"}
