"""A real HTTP server on this machine that misbehaves on request."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    """Answers ``/BEHAVIOUR/anything`` with the server's content."""

    server: WebServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        # Whoever takes this server for a proxy asks for a whole address.
        behaviour = urlsplit(self.path).path.split("/")[1]
        with self.server.counting:
            self.server.hosts.append(self.headers.get("Host"))
            self.server.asked[behaviour] += 1
            self.server.ranges.append(self.headers.get("Range"))
            time_asked = self.server.asked[behaviour]
        self.close_connection = True
        getattr(self, f"be_{behaviour}")(self.server.content, time_asked)

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def be_good(self, content: bytes, _: int) -> None:
        self._head(200, len(content))
        self.wfile.write(content)

    def be_slow(self, content: bytes, time_asked: int) -> None:
        time.sleep(1.0)
        self.be_good(content, time_asked)

    def be_other(self, content: bytes, _: int) -> None:
        self._head(200, len(content))
        self.wfile.write(bytes(len(content)))

    def be_missing(self, content: bytes, _: int) -> None:
        self._head(404, 0)

    def be_broken(self, content: bytes, _: int) -> None:
        self._head(500, 0)

    def be_truncated(self, content: bytes, _: int) -> None:
        self._head(200, len(content))
        self.wfile.write(content[: len(content) // 2])

    def be_endless(self, content: bytes, _: int) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            self.wfile.write(content)

    def be_silent(self, content: bytes, _: int) -> None:
        self.server.closing.wait(20)

    def be_stalled(self, content: bytes, _: int) -> None:
        self._head(200, len(content))
        self.wfile.write(content[:10])
        self.wfile.flush()
        self.server.closing.wait(20)

    def be_resumable(self, content: bytes, time_asked: int) -> None:
        """Breaks off after a third, but resumes where it is asked to."""
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        rest = content[start:]
        headers = {"Accept_Ranges": "bytes"}
        if asked:
            headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._head(206 if asked else 200, len(rest), **headers)
        self.wfile.write(rest if time_asked > 2 else rest[: len(content) // 3])

    def be_exhausted(self, content: bytes, _: int) -> None:
        """Knows ranges, and refuses those beyond its end."""
        if self.headers.get("Range"):
            self._head(416, 0)
        else:
            self.be_good(content, 0)

    def log_message(self, *_: object) -> None:
        """Be silent."""


class WebServer(ThreadingHTTPServer):
    """Serves one content; counts what it was asked for."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.asked: Counter[str] = Counter()
        self.ranges: list[str | None] = []
        self.hosts: list[str | None] = []
        self.counting = threading.Lock()
        self.closing = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed or that hang up are part of the tests."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def url(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{behaviour}/rows.bin"

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()
