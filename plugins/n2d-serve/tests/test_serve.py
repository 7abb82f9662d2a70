"""A server of a real model: answers, refusals, and that it stays up."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import uvicorn
from n2d_serve import Limits, make_app
from n2d_serve.batches import Batches
from n2d_serve.limits import Refusal
from typer.testing import CliRunner

import n2d_framework as n2d
from n2d_framework.cli import app as command_line

ARROW = "application/vnd.apache.arrow.stream"
LIMITS = Limits(body=200_000, rows=500, waiting=20_000, seconds=1.0)


class Served:
    """A model behind a port of this machine."""

    def __init__(self, bundle: Path) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        settings = uvicorn.Config(make_app(bundle, LIMITS), log_level="error")
        self.server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self.server.run, args=([self._socket],), daemon=True)
        self._thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def ask(
        self, body: Any, kind: str = "application/json", path: str = "/predict"
    ) -> tuple[int, Any]:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", path, sent, {"Content-Type": kind})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        is_json = answer.getheader("content-type", "").startswith("application/json")
        return answer.status, json.loads(content) if is_json else content

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self.server.should_exit = True
        self._thread.join(30)


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(400, 3)) + 5 * rng.normal(size=(4, 3))[np.arange(400) % 4]


@pytest.fixture(scope="module")
def plain(x, tmp_path_factory) -> Iterator[tuple[Served, n2d.N2D]]:
    """Rows without names."""
    path = tmp_path_factory.mktemp("plain") / "model.n2d"
    model = n2d.N2D("pca", "identity", "gmm", n_clusters=4, random_state=0).fit(x)
    model.save(path)
    served = Served(path)
    yield served, model
    served.close()


@pytest.fixture(scope="module")
def named(x, tmp_path_factory) -> Iterator[tuple[Served, n2d.N2D, pd.DataFrame]]:
    """Columns of several kinds, with gaps."""
    path = tmp_path_factory.mktemp("named") / "model.n2d"
    frame = pd.DataFrame(x[:, :2].copy(), columns=["a", "b"])
    frame["plan"] = np.array(["free", "paid"])[(x[:, 2] > 0).astype(int)]
    frame.loc[3, "a"] = np.nan
    model = n2d.N2D(
        embedder="identity",
        manifolder="identity",
        clusterer="kmeans",
        prepare="table",
        n_clusters=3,
        random_state=0,
    ).fit(frame)
    model.save(path)
    served = Served(path)
    yield served, model, frame
    served.close()


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(frame.to_json(orient="records", double_precision=15))


def stream(table: pa.Table) -> bytes:
    content = pa.BufferOutputStream()
    with pa.ipc.new_stream(content, table.schema) as writer:
        writer.write_table(table)
    return content.getvalue().to_pybytes()


def test_labels_and_strengths_are_those_of_the_model(plain, x):
    served, model = plain
    status, found = served.ask({"rows": x[:50].tolist()})
    assert status == 200, found
    assert found["label"] == model.predict(x[:50]).tolist()
    shares = model.predict_proba(x[:50])
    assert found["strength"] == shares.max(axis=1).tolist()


def test_columns_are_matched_by_name(named):
    served, model, frame = named
    want = model.predict(frame[:20]).tolist()
    rows = records(frame[:20][["plan", "b", "a"]])
    assert served.ask({"rows": rows})[1]["label"] == want
    assert (
        served.ask({"rows": [list(row) for row in frame[4:20].to_numpy().tolist()]})[1]["label"]
        == want[4:]
    )


def test_arrow_is_answered_in_arrow(plain, named, x):
    served, model, frame = named
    status, content = served.ask(stream(pa.Table.from_pandas(frame[:30])), ARROW)
    assert status == 200, content
    found = pa.ipc.open_stream(content).read_all()
    assert found.column("label").to_pylist() == model.predict(frame[:30]).tolist()
    served, model = plain
    table = pa.table({str(i): x[:9, i] for i in range(3)})
    found = pa.ipc.open_stream(served.ask(stream(table), ARROW)[1]).read_all()
    assert found.column("label").to_pylist() == model.predict(x[:9]).tolist()


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 422, "not JSON"),
        (b'{"rows": [[1, 2, NaN]]}', 422, "NaN is not a value of JSON"),
        (b"[" * 100_000, 422, "not JSON"),
        ({"rows": []}, 422, "with a row at least"),
        ({"row": [[1, 2, 3]]}, 422, "rows"),
        ({"rows": [[1, 2, 3], [1, 2]]}, 422, "different numbers"),
        ({"rows": [[1, 2]]}, 422, "shape"),
        ({"rows": [["a", 2, 3]]}, 422, "not a number"),
        ({"rows": [[None, 2, 3]]}, 422, "not a number"),
        ({"rows": [[1e999, 2, 3]]}, 422, "JSON"),
        ({"rows": [[1, 2, 3]] * 501}, 413, "501 rows"),
        (b" " * 200_001, 413, "200001 bytes"),
    ],
    ids=range(12),
)
def test_what_is_wrong_is_said_and_the_next_is_answered(plain, x, body, status, said):
    served, model = plain
    found = served.ask(body)
    assert found[0] == status, found
    assert said in found[1]["error"]
    assert served.ask({"rows": x[:1].tolist()})[1]["label"] == model.predict(x[:1]).tolist()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"plan": None}, None),
        ({"c": 1}, "has c, which the model does not know"),
        ({"a": "much"}, "'a'"),
    ],
)
def test_rows_are_checked_against_the_schema(named, change, said):
    served, _, frame = named
    row = records(frame[:1])[0] | change
    status, found = served.ask({"rows": [row]})
    assert (status == 200) is (said is None), found
    assert said is None or said in found["error"]
    del row["b"]
    assert "lacks b" in served.ask({"rows": [row]})[1]["error"]


def test_other_content_is_refused(plain):
    served, _ = plain
    assert served.ask(b"a,b\n1,2\n", "text/csv")[0] == 415
    assert served.ask(b"not arrow", ARROW)[0] == 422
    assert served.ask(b"\x80\x04.", "application/x-pickle")[0] == 415


def test_health_measures_model_and_interface(plain, x):
    served, _ = plain
    served.ask({"rows": x[:2].tolist()})
    assert json.loads(served.get("/health")[1]) == {"status": "ok"}
    text = served.get("/metrics")[1].decode()
    numbers = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert float(numbers['n2d_requests_total{status="200"}']) >= 1
    assert float(numbers["n2d_rows_total"]) >= 2
    count = numbers["n2d_request_seconds_count"]
    assert numbers['n2d_request_seconds_bucket{le="+Inf"}'] == count
    assert json.loads(served.get("/model")[1])["n_clusters"] == 4
    described = json.loads(served.get("/openapi.json")[1])
    schema = described["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert schema["application/json"]["schema"]["properties"]["rows"]["maxItems"] == 500
    assert served.get("/docs")[0] == 200


def test_many_at_once_are_all_answered(plain, x):
    served, model = plain
    want = model.predict(x).tolist()
    with ThreadPoolExecutor(50) as threads:
        found = list(threads.map(lambda i: served.ask({"rows": [x[i % 400].tolist()]}), range(300)))
    assert [status for status, _ in found] == [200] * 300
    assert [answer["label"][0] for _, answer in found] == [want[i % 400] for i in range(300)]


def test_slow_and_vanishing_clients_cost_only_themselves(plain, x):
    served, model = plain
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", served.port)) as slow:
        slow.sendall(head + b'Content-Length: 100\r\n\r\n{"rows"')
        with socket.create_connection(("127.0.0.1", served.port)) as gone:
            gone.sendall(head + b'Content-Length: 100\r\n\r\n{"rows"')
        assert served.ask({"rows": x[:1].tolist()})[1]["label"] == model.predict(x[:1]).tolist()
        slow.settimeout(30)
        assert b"408" in slow.recv(100)
    assert served.ask({"rows": x[:1].tolist()})[0] == 200


def test_too_many_rows_that_wait_are_refused():
    began, go = threading.Event(), threading.Event()

    def label(rows: np.ndarray) -> dict[str, np.ndarray]:
        began.set()
        assert go.wait(30)
        return {"label": rows[:, 0]}

    async def crowd() -> list[Any]:
        batches = Batches(label, Limits(waiting=10, batch=4), lambda count: None)
        asked = [asyncio.create_task(batches.ask(np.full((3, 1), i), 3)) for i in range(5)]
        await asyncio.to_thread(began.wait)
        asked[1].cancel()
        go.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        batches.close()
        return found

    found = asyncio.run(crowd())
    assert found[0]["label"].tolist() == [0, 0, 0]
    assert found[2]["label"].tolist() == [2, 2, 2]
    assert isinstance(found[1], asyncio.CancelledError)
    assert [type(item) for item in found[3:]] == [Refusal, Refusal]
    assert found[3].status == 503


def test_one_wrong_request_of_a_batch_costs_only_itself():
    def label(rows: np.ndarray) -> dict[str, np.ndarray]:
        if (rows < 0).any():
            raise n2d.N2DError("negative")
        return {"label": rows[:, 0]}

    async def three() -> list[Any]:
        batches = Batches(label, Limits(), lambda count: None)
        asked = [batches.ask(np.full((2, 1), value), 2) for value in (1, -1, 3)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        batches.close()
        return found

    good, bad, other = asyncio.run(three())
    assert (good["label"].tolist(), other["label"].tolist()) == ([1, 1], [3, 3])
    assert isinstance(bad, n2d.N2DError)


def test_what_cannot_be_served_is_said_before_anything_listens(tmp_path):
    path = tmp_path / "model.n2d"
    path.write_bytes(b"not a bundle")
    done = CliRunner().invoke(command_line, ["serve", str(path)])
    assert done.exit_code == 1
    assert "model.n2d" in done.output
