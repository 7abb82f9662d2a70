"""Several processes: the same table, whoever is killed, and whoever else is at work."""

from __future__ import annotations

import errno
import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from distributed.comm.core import CommClosedError
from distributed.utils import LoopRunner, sync

from n2d_framework.errors import ConfigError
from n2d_framework.plan.executors.interrupts import dask_setup, leave_out_lost_cancellations

pytestmark = pytest.mark.slow

LAUNCH = [sys.executable, "-m", "n2d_framework.cli", "compare"]
DASK = [sys.executable, "-m", "dask"]
#: How often a driver and a worker are killed, at moments spread over the whole run.
KILLS = range(int(os.environ.get("N2D_KILLS", "2")))
#: Rows, classes, and the stages of the grid below.
N_ENTRIES = 2 + 3 + 6 + 24


#: There is always something left to kill, though nothing computes for long.
PATIENT = '''
import time
from pathlib import Path
import numpy as np
from n2d_framework.plugin import ComponentSpec, component, hookimpl, learned, need, option

@component
class Patient:
    """Takes ten rows as the centres of clusters, after a while; the last while it may."""

    first: int = option(0, help="Number of the first of them.")
    centres_: np.ndarray = learned()

    def fit(self, m, *, context):
        time.sleep(0.1)
        while self.first == 30 and Path(__file__).with_name("closed").exists():
            time.sleep(0.1)
        self.centres_ = np.array(m[self.first : self.first + 10], dtype=np.float32)

    def predict(self, m):
        return ((m[:, None] - self.centres_) ** 2).sum(axis=2).argmin(axis=1)

    def get_state(self):
        return {"centres": self.centres_}

    def set_state(self, state):
        self.centres_ = need(state, "centres", np.ndarray)

@hookimpl
def n2d_components():
    yield ComponentSpec(role="clusterer", name="patient", factory="patient:Patient", summary="s")
'''


@pytest.fixture(scope="module", autouse=True)
def site(tmp_path_factory) -> Iterator[Path]:
    """The plugin is installed for all that these tests start."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "patient-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: patient\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[n2d_framework]\npatient = patient\n")
    (folder / "patient.py").write_text(PATIENT)
    known = os.environ.get("PYTHONPATH", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), known])))
        yield folder


@pytest.fixture(scope="module")
def config(digits_file, tmp_path_factory) -> Path:
    """24 cells of 3 + 6 + 24 stages."""
    path = tmp_path_factory.mktemp("config") / "grid.json"
    grid = {
        "data": str(digits_file),
        "embedders": ["pca", "identity", {"name": "pca", "latent_dim": 15}],
        "manifolders": ["identity", {"name": "pca", "n_components": 5}],
        "clusterers": [{"name": "patient", "first": [0, 10, 20, 30]}],
        "n_clusters": 10,
        "dbcv_rows": 0,
    }
    path.write_text(json.dumps(grid))
    return path


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory) -> bytes:
    """The table of an uninterrupted run by one process."""
    out = tmp_path_factory.mktemp("whole") / "out"
    finish(start_compare(config, out))
    return (out / "table.csv").read_bytes()


def start_compare(config: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [*LAUNCH, str(config), "--out", str(out), "--n-jobs", "1", "--quiet", "--no-report"]
    return subprocess.Popen(
        [*command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def finish(process: subprocess.Popen[bytes]) -> str:
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()
    return said.decode()


def wait_until(reached, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def n_stages(out: Path) -> int:
    return len(list((out / "stages").rglob("[!.]*.stage")))


def workers_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:  # it ended while we looked
            continue
    return found


class Writes(threading.Thread):
    """Notes each file that takes the name of a finished stage, and so each repetition."""

    def __init__(self, out: Path) -> None:
        super().__init__(daemon=True)
        self.stages, self.done = out / "stages", threading.Event()
        self.seen: dict[str, set[int]] = {}

    def run(self) -> None:
        while not self.done.wait(0.01):
            self.look()

    def look(self) -> dict[str, set[int]]:
        for path in self.stages.rglob("[!.]*.stage"):
            self.seen.setdefault(path.name, set()).add(path.stat().st_ino)
        return dict(self.seen)


@contextmanager
def watched(out: Path) -> Iterator[Writes]:
    """In the end every stage is there, and none was ever written twice."""
    writes = Writes(out)
    writes.start()
    try:
        yield writes
    finally:
        writes.done.set()
        writes.join()
    found = writes.look()
    assert len(found) == N_ENTRIES
    assert {name for name, files in found.items() if len(files) > 1} == set()


def wait_for_moment(number: int, out: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait for a random moment in this part of the run: at first before any stage is done."""
    if number == 0:
        deadline = time.monotonic() + random.uniform(0, 2)
        wait_until(lambda: time.monotonic() > deadline or n_stages(out), process)
        return
    part = (number - 1 + random.random()) / max(len(KILLS) - 1, 1)
    wait_until(lambda: n_stages(out) > part * (N_ENTRIES - 12), process)
    time.sleep(random.uniform(0, 0.02))


def test_a_killed_driver_loses_and_repeats_nothing(config, whole, tmp_path):
    """However often: each start continues what the killed ones before it have left."""
    out, before = tmp_path / "out", set()
    with watched(out) as writes:
        for number in KILLS:
            process = start_compare(config, out)
            wait_until(lambda: (out / "comparison.json").exists(), process)
            wait_for_moment(number, out, process)
            process.kill()
            process.communicate()
            before |= set(writes.look())
        finish(start_compare(config, out))
        assert before <= set(writes.look())
    assert (out / "table.csv").read_bytes() == whole


@pytest.mark.parametrize("first", KILLS[::2])
def test_killed_workers_lose_and_repeat_nothing(config, whole, first, tmp_path):
    """Two of them, one after the other, are replaced in one run."""
    moments = KILLS[first : first + 2]
    for attempt in range(5):
        out, killed = tmp_path / f"out{attempt}", set()
        with watched(out):
            process = start_compare(config, out, "--workers", "2")
            wait_until(lambda p=process: len(workers_of(p)) == 2, process)
            for number in moments:
                wait_for_moment(number, out, process)
                alive = workers_of(process) if process.poll() is None else []
                alive = [worker for worker in alive if worker.pid not in killed]
                if alive:
                    chosen = random.choice(alive).pid
                    os.kill(chosen, signal.SIGKILL)
                    killed.add(chosen)
            finish(process)
        assert (out / "table.csv").read_bytes() == whole
        if len(killed) == len(moments):
            return
    pytest.fail("the run was over before workers could be killed, five times")


@contextmanager
def closed(site: Path) -> Iterator[None]:
    """Half of the stages wait, until the file is gone."""
    (site / "closed").touch()
    try:
        yield
    finally:
        (site / "closed").unlink(missing_ok=True)


def test_a_killed_or_interrupted_driver_takes_its_workers_along(config, whole, site, tmp_path):
    """One after the other, in one folder, which the next start continues."""
    out = tmp_path / "out"
    with watched(out), closed(site):  # there is always a stage that is not done
        process = start_compare(config, out, "--workers", "2")
        wait_until(lambda: n_stages(out) >= 4, process)
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
        _, alive = psutil.wait_procs(children, timeout=120)
        assert alive == []
        before = n_stages(out)
        process = start_compare(config, out, "--workers", "2")
        wait_until(lambda: n_stages(out) >= before + 2, process)
        children = psutil.Process(process.pid).children(recursive=True)
        # A terminal interrupts the whole group: the workers too.
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 130, said.decode()
        assert "Traceback" not in said.decode()
        _, alive = psutil.wait_procs(children, timeout=120)
        assert alive == []
        (site / "closed").unlink()
        finish(start_compare(config, out))
    assert (out / "table.csv").read_bytes() == whole


@pytest.mark.parametrize(
    ("lost", "is_logged"),
    [(CommClosedError(), False), (ConnectionResetError(), False), (PermissionError("spill"), True)],
)
def test_workers_do_not_log_that_the_driver_went_away(lost, is_logged, caplog, monkeypatch):
    worker_log = logging.getLogger("distributed.worker")
    monkeypatch.setattr(worker_log, "filters", [])
    monkeypatch.setattr(worker_log, "propagate", True)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    dask_setup(object())
    try:
        raise lost
    except OSError:
        worker_log.exception("Failed to communicate with scheduler during heartbeat.")
    assert bool(caplog.records) is is_logged


def test_ctrl_c_before_a_call_to_workers_has_started_is_not_logged(caplog, monkeypatch):
    runner = LoopRunner(asynchronous=False)
    runner.start()

    class Interrupted(threading.Event):
        def wait(self, timeout=None):
            raise KeyboardInterrupt

    async def nothing() -> None:
        pass

    def interrupt(seconds: float) -> bool:
        caplog.clear()
        runner.loop.add_callback(time.sleep, seconds)  # the call and its end come after it at once
        with pytest.raises(KeyboardInterrupt):
            sync(runner.loop, nothing)
        time.sleep(2 * seconds)
        return any("NameError" in str(record.exc_info) for record in caplog.records)

    application = logging.getLogger("tornado.application")
    monkeypatch.setattr(application, "filters", [])
    monkeypatch.setattr(application, "propagate", True)
    threads = SimpleNamespace(Event=Interrupted, get_ident=threading.get_ident)
    with monkeypatch.context() as patch:
        patch.setattr("distributed.utils.threading", threads)
        assert interrupt(0.3)
        leave_out_lost_cancellations()
        assert not interrupt(0.3)
        application.error("another", exc_info=NameError("x"))
    runner.stop()
    assert [record.message for record in caplog.records] == ["another"]


def test_several_comparisons_at_once_on_one_store_and_folder(config, whole, tmp_path):
    store = ("--store", str(tmp_path / "stages"))
    processes = [start_compare(config, tmp_path / name, *store) for name in ("a", "b", "a")]
    for process in processes:
        finish(process)
    for name in ("a", "b"):
        assert (tmp_path / name / "table.csv").read_bytes() == whole


@contextmanager
def cluster_by_hand(folder: Path, *threads: int) -> Iterator[str]:
    """A scheduler, and a worker with each number of threads, from the command line."""
    about = folder / "scheduler.json"
    place = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(about))
    worker = ("worker", "--scheduler-file", str(about), "--no-dashboard", "--local-directory")
    commands = [["scheduler", *place, "--no-dashboard"]]
    # Without nannies, which would be one more process for each.
    worker += (str(folder / "scratch"), "--no-nanny", "--nthreads")
    commands += [[*worker, str(n)] for n in threads]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [subprocess.Popen([*DASK, *commands[0]], **quiet)]
    try:
        wait_until(lambda: about.exists() and about.read_text().endswith("}"), started[0])
        started += [subprocess.Popen([*DASK, *command], **quiet) for command in commands[1:]]
        yield json.loads(about.read_text())["address"]
    finally:
        for process in reversed(started):
            process.terminate()
        _, alive = psutil.wait_procs([psutil.Process(p.pid) for p in started], timeout=10)
        for process in alive:  # a worker may wait for the scheduler, which has ended
            process.kill()


def test_a_scheduler_and_workers_started_by_hand(config, whole, tmp_path):
    out = tmp_path / "out"
    store = ("--store", str(tmp_path / "shared"))
    with cluster_by_hand(tmp_path, 1, 4) as address:
        # Both must be there at the start, or nothing is reported of the second.
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(2, timeout=60)
        said = finish(start_compare(config, out, "--scheduler", address, *store))
    assert (out / "table.csv").read_bytes() == whole
    assert "fits one stage at a time" in said


def test_workers_of_this_machine_divide_its_cores():
    from n2d_framework.plan.executors.dask_cluster import local_workers

    def threads() -> tuple[set[int], dict[str, str | None]]:
        import numpy as np
        from threadpoolctl import threadpool_info

        np.ones((9, 9)) @ np.ones((9, 9))
        names = ("NUMBA_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        return {pool["num_threads"] for pool in threadpool_info()}, {n: os.getenv(n) for n in names}

    with local_workers(2, 1) as client:
        found = client.run(threads)
    assert len(found) == 2
    for pools, variables in found.values():
        assert pools == {1}
        assert set(variables.values()) == {"1"}


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EACCES, errno.ENOSYS])
def test_a_system_without_semaphores_is_refused_without_traces(number, monkeypatch, capfd):
    """As where /dev/shm cannot be written, is full, or is not there."""
    from multiprocessing import synchronize

    from n2d_framework.plan.executors.dask_cluster import local_workers

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(synchronize._multiprocessing, "SemLock", refuse)
    with pytest.raises(ConfigError, match="workers: processes cannot be started") as caught:
        local_workers(2, 1).__enter__()
    assert os.strerror(number) in str(caught.value)
    assert "/dev/shm" in str(caught.value)
    assert "Traceback" not in capfd.readouterr().err


def test_too_few_open_files_for_workers_are_an_error_of_one_line(config, tmp_path):
    words = [*LAUNCH, str(config), "--out", str(tmp_path / "out"), "--workers", "2"]
    command = ["sh", "-c", 'ulimit -n 24; exec "$@"', "sh", *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("error: workers: processes cannot be started")
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def held_by(client, key: str) -> psutil.Process:
    """The process that has a result."""
    (address,) = client.who_has()[key]
    return psutil.Process(client.run(os.getpid, workers=[address])[address])


def test_a_result_that_was_lost_with_its_worker_is_waited_for(tmp_path):
    from n2d_framework.plan.executors.dask_cluster import local_workers
    from n2d_framework.plan.executors.task_graph import _take

    def slow() -> str:
        time.sleep(2)
        return "result"

    delivered: dict[str, object] = {}
    with local_workers(2, 1) as client:
        future = client.submit(slow, key="slow")
        future.result()
        held_by(client, "slow").kill()
        while future.status == "finished":
            time.sleep(0.01)
        assert not _take(future, delivered.__setitem__)
        assert not delivered
        while not _take(future, delivered.__setitem__):
            time.sleep(0.1)
    assert delivered == {"slow": "result"}


def test_a_worker_that_dies_while_it_is_asked_for_the_store_is_replaced(tmp_path):
    from n2d_framework.plan.executors.dask_cluster import local_workers, require_shared
    from n2d_framework.plan.store import StageStore

    with local_workers(2, 1) as client:
        pid = next(iter(client.run(os.getpid).values()))
        os.kill(pid, signal.SIGSTOP)
        threading.Timer(1, os.kill, (pid, signal.SIGKILL)).start()
        require_shared(client, StageStore(tmp_path), [])
