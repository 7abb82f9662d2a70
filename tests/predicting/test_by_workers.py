"""Labels by the workers of a real cluster: those of one process, whoever is killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from typer.testing import CliRunner

import n2d_framework as n2d
from n2d_framework.cli import app
from n2d_framework.cli.predicting.label_parts import label_parts
from n2d_framework.errors import ConfigError, DataError, OutputError
from n2d_framework.pipeline.mapped import ShippedModel, block_map, map_blocks
from n2d_framework.plan.labelling import ColumnsOf, Labelling
from n2d_framework.storage.file_identity import data_identity

pytestmark = pytest.mark.slow

#: How often a worker is killed, at moments spread over a whole prediction.
KILLS = int(os.environ.get("N2D_KILLS", "2"))
ROWS = 4000


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    before = dict(os.environ)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
    ) as found:
        yield found
    # Dask sets variables of malloc for all that this process starts, which makes some of it slow.
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def client(cluster) -> Iterator[Client]:
    with Client(cluster) as found:
        yield found


@attrs.frozen
class Saved:
    bundle: Path
    data: Path
    model: n2d.N2D
    frame: pd.DataFrame


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Saved:
    folder = tmp_path_factory.mktemp("saved")
    rng = np.random.default_rng(0)
    at = np.repeat(np.arange(4), ROWS // 4)
    x = rng.normal(size=(ROWS, 5)) + 6 * rng.normal(size=(4, 5))[at]
    frame = pd.DataFrame(x, columns=list("abcde"), index=[f"row {i}" for i in range(ROWS)])
    model = n2d.N2D("pca", "isomap", "gmm", n_clusters=4, random_state=0)
    model.fit(frame.iloc[::8])
    model.save(folder / "model.n2d")
    frame.to_parquet(folder / "rows.parquet", row_group_size=700)
    return Saved(folder / "model.n2d", folder / "rows.parquet", model, frame)


@pytest.fixture(scope="module")
def whole(saved, tmp_path_factory) -> pd.DataFrame:
    """The table of one process."""
    out = tmp_path_factory.mktemp("whole") / "labels.parquet"
    done = predict(saved, out, "--chunk", "8192")
    assert done.exit_code == 0, done.output
    return pd.read_parquet(out)


def predict(saved: Saved, out: Path, *more: str) -> Any:
    arguments = [str(saved.bundle), str(saved.data), "-o", str(out), "--proba", "--quiet"]
    return CliRunner().invoke(app, ["predict", *arguments, *more])


def digest(labels: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(np.asarray(labels), dtype="<i8")).hexdigest()


def test_labels_do_not_depend_on_partitions_or_workers(saved, client):
    import dask.array as da
    import dask.dataframe as dd

    x = saved.frame.to_numpy()
    want = digest(saved.model.predict(saved.frame))
    array = n2d.N2D("pca", "isomap", "gmm", n_clusters=4, random_state=0).fit(x[::8])
    plain = digest(array.predict(x))
    for chunks in (1000, (700, 2), ROWS):
        found = array.predict(da.from_array(x, chunks=chunks))
        assert found.shape == (ROWS,)
        assert digest(found.compute()) == plain
    for parts in (1, 2, 7):
        found = saved.model.predict(dd.from_pandas(saved.frame, npartitions=parts, sort=False))
        assert digest(found.compute()) == want
    empty = saved.frame[["b"]].assign(g=np.arange(ROWS) < 5)
    frame = dd.from_pandas(saved.frame.assign(g=empty["g"]), npartitions=3, sort=False)
    some = saved.model.predict(frame[frame["g"]].drop(columns="g"))
    assert digest(some.compute()) == digest(saved.model.predict(saved.frame[:5]))


def test_coordinates_and_asked_labels_of_collections_are_those_of_arrays(saved):
    import dask.dataframe as dd

    frame = dd.from_pandas(saved.frame[:500], npartitions=3, sort=False)
    moved = saved.model.transform(frame).compute(scheduler="sync")
    np.testing.assert_array_equal(moved, saved.model.transform(saved.frame[:500]))
    fewer = saved.model.predict(frame, level=2).compute(scheduler="sync")
    np.testing.assert_array_equal(fewer, saved.model.predict(saved.frame[:500], level=2))


def test_rows_that_do_not_fit_are_refused_as_anywhere(saved):
    import dask.dataframe as dd

    wrong = dd.from_pandas(saved.frame.drop(columns="c"), npartitions=2)
    with pytest.raises(DataError, match="'c'"):
        saved.model.predict(wrong)


@pytest.mark.parametrize("chunk", [333, 8192])
def test_the_table_of_a_cluster_is_that_of_one_process(saved, cluster, whole, chunk, tmp_path):
    out = tmp_path / "labels.parquet"
    address = cluster.scheduler_address
    done = predict(saved, out, "--scheduler", address, "--chunk", str(chunk), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"] == ROWS
    pd.testing.assert_frame_equal(pd.read_parquet(out), whole)
    assert [path.name for path in tmp_path.iterdir()] == ["labels.parquet"]


def test_nothing_is_lost_or_doubled_when_workers_are_killed(
    saved, cluster, client, whole, tmp_path
):
    for number in range(KILLS):
        victim = list(client.run(os.getpid).values())[number % 2]
        timer = threading.Timer(0.05 + 0.4 * number / KILLS, os.kill, (victim, signal.SIGKILL))
        timer.start()
        out = tmp_path / f"{number}.parquet"
        done = predict(saved, out, "--scheduler", cluster.scheduler_address, "--chunk", "100")
        timer.join()
        assert done.exit_code == 0, done.output
        pd.testing.assert_frame_equal(pd.read_parquet(out), whole)
        client.wait_for_workers(2, timeout=120)


def test_an_interrupted_command_resumes_where_it_stopped(
    saved, cluster, whole, tmp_path, monkeypatch
):
    out, given = tmp_path / "labels.parquet", []
    answers = block_map._taken

    def stops(future: Any, number: int, *more: Any) -> Any:
        if len(given) == 7:
            raise KeyboardInterrupt
        given.append(number)
        return answers(future, number, *more)

    arguments = ("--scheduler", cluster.scheduler_address, "--chunk", "250")
    monkeypatch.setattr(block_map, "_taken", stops)
    assert predict(saved, out, *arguments).exit_code == 130
    assert not out.exists()
    parts = tmp_path / "labels.parquet.parts"
    kept = {int(path.stem) for path in parts.glob("*.parquet")}
    assert len(kept) == 7 == len(set(given))
    other = predict(saved, out, "--scheduler", cluster.scheduler_address, "--chunk", "500")
    assert other.exit_code == 1
    assert "another chunk" in " ".join(other.output.split())

    def counted(future: Any, number: int, *more: Any) -> Any:
        given.append(number)
        return answers(future, number, *more)

    monkeypatch.setattr(block_map, "_taken", counted)
    done = predict(saved, out, *arguments)
    assert done.exit_code == 0, done.output
    assert sorted(given) == list(range(len(given)))
    pd.testing.assert_frame_equal(pd.read_parquet(out), whole)
    assert not parts.exists()


def test_rows_at_fault_are_named(saved, cluster, tmp_path):
    frame = saved.frame.astype({"b": object})
    frame.iloc[1234, 1] = None
    broken = attrs.evolve(saved, data=tmp_path / "broken.parquet")
    frame.astype({"b": float}).to_parquet(broken.data)
    done = predict(broken, tmp_path / "o.csv", "--scheduler", cluster.scheduler_address)
    assert done.exit_code == 2
    assert "row 1235" in done.output
    assert "'b'" in done.output


def test_workers_with_other_versions_are_named(saved, client):
    shipped = ShippedModel.of_image(saved.bundle.read_bytes())
    other = attrs.evolve(shipped, versions={**shipped.versions, "numpy": "1.0", "n2d-mine": "3.1"})
    blocks = [(0, saved.frame[:10])]
    with pytest.raises(ConfigError, match=r"worker at tcp.*numpy 2.*not 1\.0.*n2d-mine is not"):
        list(map_blocks(client, other, ColumnsOf(Labelling(n_clusters=3)), blocks))


def test_a_scheduler_that_goes_away_leaves_what_it_had_done(saved, tmp_path):
    # Its own, in this process: it is closed under the command.
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as short:
        address = short.scheduler_address
    done = predict(saved, tmp_path / "o.csv", "--scheduler", address.replace("inproc", "tcp"))
    assert done.exit_code == 2


def test_a_cluster_without_workers_is_not_waited_for_for_ever(saved, monkeypatch):
    monkeypatch.setattr(block_map, "_PATIENCE", 0.2)
    monkeypatch.setattr(block_map, "_ABSENCES", 2)
    shipped = ShippedModel.of_image(saved.bundle.read_bytes())
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=None) as idle,
        Client(idle) as alone,
        pytest.raises(ConfigError, match="no worker"),
    ):
        list(map_blocks(alone, shipped, ColumnsOf(Labelling()), [(0, saved.frame[:10])]))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--workers", "2", "--scheduler", "tcp://h:1"), "cannot be combined"),
        (("--workers", "2"), "add --output"),
    ],
)
def test_what_workers_cannot_do_is_said_first(saved, arguments, said):
    done = CliRunner().invoke(
        app, ["predict", str(saved.bundle), str(saved.data), *arguments, "--quiet"]
    )
    assert done.exit_code == 2
    assert said in done.output


def test_no_more_blocks_are_taken_than_workers_can_have(saved, client):
    shipped = ShippedModel.of_image(saved.bundle.read_bytes())
    taken, answered, most = [0], [0], [0]

    def blocks() -> Iterator[tuple[int, Any]]:
        for number in range(30):
            taken[0] += 1
            most[0] = max(most[0], taken[0] - answered[0])
            yield number, saved.frame[number * 10 : number * 10 + 10]

    for _ in map_blocks(client, shipped, ColumnsOf(Labelling()), blocks()):
        answered[0] += 1
    assert answered == [30]
    assert most[0] <= 7


def test_two_commands_do_not_write_the_same_labels(tmp_path):
    out = tmp_path / "labels.csv"
    with label_parts(out, {"a": 1}) as parts:
        parts.write(0, {"row": np.arange(2), "label": np.arange(2)})
        with pytest.raises(OutputError, match="another process"), label_parts(out, {"a": 1}):
            pass
        (block,) = parts.blocks()
        assert block["label"].tolist() == [0, 1]
    assert not list(tmp_path.iterdir())


def test_data_that_change_are_other_data(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, np.eye(3))
    before = data_identity({"path": str(path)})
    assert data_identity({"path": str(path)}) == before
    time.sleep(0.01)
    np.save(path, np.eye(3) * 2)
    assert data_identity({"path": str(path)}) != before
