"""Numbers of a server in the text format of Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

__all__ = ["Measures"]

#: Upper ends of the classes of seconds.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Measures:
    """Counts of requests, rows and batches, and how long requests took."""

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        self.rows = self.batches = 0
        self._classes = [0] * (len(_SECONDS) + 1)
        self._total = 0.0

    def answered(self, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests[status] += 1
        self._classes[bisect_left(_SECONDS, seconds)] += 1
        self._total += seconds

    def labelled(self, rows: int) -> None:
        """Count a batch."""
        self.batches += 1
        self.rows += rows

    def text(self, waiting: int) -> str:
        """All numbers; `waiting` is that of rows that wait."""
        lines = ["# TYPE n2d_requests_total counter"]
        lines += [
            f'n2d_requests_total{{status="{status}"}} {count}'
            for status, count in sorted(self.requests.items())
        ]
        for name, kind, value in (
            ("n2d_rows_total", "counter", self.rows),
            ("n2d_batches_total", "counter", self.batches),
            ("n2d_rows_waiting", "gauge", waiting),
        ):
            lines += [f"# TYPE {name} {kind}", f"{name} {value}"]
        lines.append("# TYPE n2d_request_seconds histogram")
        count = 0
        for end, number in zip([*_SECONDS, "+Inf"], self._classes, strict=True):
            count += number
            lines.append(f'n2d_request_seconds_bucket{{le="{end}"}} {count}')
        lines += [f"n2d_request_seconds_sum {self._total}", f"n2d_request_seconds_count {count}"]
        return "\n".join(lines) + "\n"
