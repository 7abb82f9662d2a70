"""Bytes from an address into a file, resumed where they broke off."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["Transfer"]

_CHUNK = 2**16
_TRIES = 4


class Transfer:
    """A downloader for :func:`pooch.retrieve` that resumes where it was interrupted.

    Parameters
    ----------
    part : Path
        Where bytes are collected; kept when the server can continue, for the next time.
    size : int or None
        Announced number of bytes; a longer answer is broken off.
    timeout : float
        Seconds to wait for the connection, and for every further part.
    report : callable
        Called with the number of bytes that have come, and that will (None: unknown).
    """

    def __init__(
        self,
        part: Path,
        size: int | None,
        timeout: float,
        report: Callable[[int, int | None], None],
    ) -> None:
        self._part = part
        self._size = size
        self._timeout = timeout
        self._report = report

    def __call__(self, url: str, output_file: Any, pooch: Any) -> None:
        """Fetch `url` into `output_file`, as pooch asks for it."""
        import requests

        del pooch
        for attempt in range(_TRIES):
            before = self._collected()
            try:
                self._collect(url)
                break
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                # Proxies and Wi-Fi break long answers: continue while there is progress.
                if attempt == _TRIES - 1 or self._collected() <= before:
                    raise
        shutil.move(self._part, output_file)

    def forget(self) -> None:
        """Drop what was collected."""
        self._part.unlink(missing_ok=True)

    def explain(self, error: Exception) -> str:
        """Description of the failure, for users."""
        import requests

        answer = getattr(error, "response", None)
        if isinstance(error, requests.HTTPError) and answer is not None:
            return f"the server answered {answer.status_code} {answer.reason}"
        if isinstance(error, requests.exceptions.ProxyError):
            return "the proxy could not be reached; check HTTP_PROXY and HTTPS_PROXY"
        if isinstance(error, requests.Timeout) or "timed out" in str(error):
            return f"no answer within {self._timeout:g} s"
        if isinstance(error, requests.exceptions.SSLError):
            return f"the certificate was refused ({error})"
        if isinstance(error, requests.exceptions.ChunkedEncodingError):
            return "the answer broke off before its end"
        if isinstance(error, requests.exceptions.InvalidHeader):
            return str(error)
        if isinstance(error, requests.ConnectionError):
            return "no connection; check the network"
        return f"{type(error).__name__}: {error}"

    def _collected(self) -> int:
        return self._part.stat().st_size if self._part.is_file() else 0

    def _collect(self, url: str) -> None:
        import requests

        have = self._collected()
        # Encoded bodies have other lengths and cannot be continued.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(
            url, headers=headers, stream=True, timeout=(self._timeout, self._timeout)
        ) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                self.forget()
                raise requests.exceptions.ChunkedEncodingError("nothing to continue with")
            answer.raise_for_status()
            continues = _continues(answer, have)
            try:
                self._write(answer, have if continues else 0)
            except (requests.RequestException, OSError):
                if not (continues or answer.headers.get("Accept-Ranges") == "bytes"):
                    self.forget()
                raise

    def _write(self, answer: Any, have: int) -> None:
        from requests.exceptions import ChunkedEncodingError, InvalidHeader

        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else self._size
        done = have
        # What came before a break is worth keeping; the length is checked below.
        answer.raw.enforce_content_length = False
        with self._part.open("ab" if have else "wb") as file:
            for block in answer.iter_content(_CHUNK):
                file.write(block)
                done += len(block)
                if self._size is not None and done > self._size:
                    self.forget()
                    raise InvalidHeader(f"more than the announced {self._size} bytes came")
                self._report(done, total)
        if total is not None and done < total:
            raise ChunkedEncodingError(f"{done} of {total} bytes came")


def _continues(answer: Any, have: int) -> bool:
    """Return whether the server sends what follows the first `have` bytes, and not all again."""
    start = f"bytes {have}-"
    return bool(
        have
        and answer.status_code == 206
        and answer.headers.get("Content-Range", "").startswith(start)
    )
