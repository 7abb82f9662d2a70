"""A store on an object store (S3), played by moto; skipped where that is not installed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import numpy as np
import pytest

import n2d_framework as n2d
from n2d_framework.core.events import StageFinished
from n2d_framework.plan.store import StageStore
from n2d_framework.plan.store.prune import prune_store, store_usage

pytest.importorskip("s3fs", reason="s3fs is not installed: pip install s3fs 'moto[server]'")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server, monkeypatch) -> str:
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(name)
    return f"s3://{name}/stages"


def test_entries_are_whole_seen_at_once_and_replaced(bucket):
    ours, theirs = StageStore(bucket), StageStore(bucket)
    key = f"{7:064x}"
    assert ours.read(key) is None
    assert theirs.keys() == set()
    for values in (np.zeros(3), np.ones(4)):
        ours.write(key, {}, {"state": {"a": values}})
        assert key in theirs
        assert theirs.keys() == {key}
        assert (theirs.read(key)[1]["state"]["a"] == values).all()
    assert store_usage(theirs).entries == 1
    assert store_usage(theirs).unfinished == 0
    assert prune_store(theirs, older_than=0).in_use == 1
    assert prune_store(theirs, older_than=0, recent=0).removed == 1
    assert key not in ours


def test_a_comparison_by_two_workers_is_that_of_one_process(bucket, grid, few_digits, tmp_path):
    ended: list[StageFinished] = []

    def note(event) -> None:
        if isinstance(event, StageFinished):
            ended.append(event)

    data = {"few": few_digits}
    alone = n2d.compare(grid, tmp_path / "alone", data=data, n_jobs=1)
    both = n2d.compare(
        grid, tmp_path / "both", data=data, n_jobs=1, workers=2, store=bucket, listeners=[note]
    )
    assert both.to_csv() == alone.to_csv()
    assert len({event.key for event in ended}) == 28
    assert not any(event.cached for event in ended)
    ended.clear()
    n2d.compare(grid, tmp_path / "again", data=data, n_jobs=1, store=bucket, listeners=[note])
    assert all(event.cached for event in ended)
    assert both.best().n_clusters_ == 10
