"""Latency of n2d-serve at a given rate, and its memory over time.

Run as ``python benchmarks/serving.py BUNDLE ROWS.npy [--rate 200] [--seconds 60]``: starts ``n2d
serve`` in a process of its own and sends it one row at a time at fixed moments, whether or not
answers have come (an open loop: a slow answer does not thin out the requests behind it). A latency
counts from the moment at which a request was due. Every label is compared with the model's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import psutil

_CONNECTIONS = 64


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> dict:
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in answer.split(b"\r\n", 1)[0], answer
    length = next(
        int(line.split(b":")[1])
        for line in answer.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    return json.loads(await reader.readexactly(length))


async def load(port: int, bodies: list[bytes], labels: list[int], rate: float, seconds: float):
    """Seconds of each request, and how many labels were wrong."""
    idle: asyncio.Queue = asyncio.Queue()
    for _ in range(_CONNECTIONS):
        idle.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    took: list[float] = []
    wrong = 0

    async def one(number: int, due: float) -> None:
        nonlocal wrong
        streams = await idle.get()
        found = await ask(*streams, bodies[number % len(bodies)])
        idle.put_nowait(streams)
        took.append(time.perf_counter() - due)
        wrong += found["label"] != [labels[number % len(labels)]]

    start = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*tasks)
    return np.array(took), wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("rows")
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--server", default=str(Path(sys.executable).with_name("n2d")))
    arguments = parser.parse_args()
    import n2d_framework as n2d

    rows = np.load(arguments.rows)[:1000]
    labels = n2d.load(arguments.bundle).predict(rows).tolist()
    bodies = [json.dumps({"rows": [row.tolist()]}).encode() for row in rows]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([arguments.server, "serve", arguments.bundle, "--port", str(port)])
    try:
        began = time.perf_counter()
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).read()
                break
            except OSError:
                assert server.poll() is None, "the server has ended"
                time.sleep(0.1)
        print(f"ready after {time.perf_counter() - began:.1f} s")
        process = psutil.Process(server.pid)
        asyncio.run(load(port, bodies, labels, arguments.rate, 3))
        before, spent = process.memory_info().rss, sum(process.cpu_times()[:2])
        took, wrong = asyncio.run(load(port, bodies, labels, arguments.rate, arguments.seconds))
        spent = sum(process.cpu_times()[:2]) - spent
        grown = process.memory_info().rss - before
        p50, p99 = 1e3 * np.quantile(took, [0.5, 0.99])
        print(f"{len(took)} requests at {arguments.rate:g}/s, {wrong} wrong labels")
        print(f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {1e3 * took.max():.0f} ms")
        print(f"processor of the server {1e3 * spent / len(took):.2f} ms a request")
        print(f"memory {before / 2**20:.0f} MiB, grown by {grown / 2**20:.1f} MiB")
        print(f"load of the machine {os.getloadavg()[0]:.1f}")
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    main()
