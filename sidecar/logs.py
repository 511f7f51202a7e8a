"""Logs: JSON lines on standard error, rate-limited, never with content.

A message that repeats is written ``BURST`` times a window, then counted and summed up.
Exceptions are logged by type and place only: their text may quote what a user wrote.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TextIO

BURST = 5
WINDOW_S = 60.0


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, process, message, and ``extra`` fields under ``fields``."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line, without the newline."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "process": self.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            line["error_type"] = record.exc_info[0].__name__
            traceback = record.exc_info[2]
            while traceback is not None and traceback.tb_next is not None:
                traceback = traceback.tb_next
            if traceback is not None:
                line["at"] = f"{traceback.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{traceback.tb_lineno}"
        return json.dumps(line, ensure_ascii=False)


class RateLimit(logging.Filter):
    """Lets ``BURST`` records of one call site through in ``WINDOW_S``; then says how many it held back."""

    def __init__(self) -> None:
        super().__init__()
        self._sites: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        site = (record.pathname, record.lineno)
        since, count = self._sites.get(site, (record.created, 0))
        if record.created - since >= WINDOW_S:
            if count > BURST:
                record.msg = f"{record.getMessage()} ({count - BURST} more in the minute before were not written)"
                record.args = ()
            since, count = record.created, 0
        self._sites[site] = (since, count + 1)
        return count < BURST


def set_up(process: str, level: str, stream: TextIO | None = None) -> None:
    """Sends the root logger to ``stream`` (standard error). ``process`` names the writer in each line."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(process))
    handler.addFilter(RateLimit())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # aiohttp's own server log quotes the offending bytes of a bad request.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    logging.getLogger("aiohttp.access").setLevel(logging.CRITICAL)
