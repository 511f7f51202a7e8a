"""A model server for the benchmark: ``model_server.py PORT``. Answers at once, with 2 kB of JSON or a stream.

The request's model names the answer: ``chunks-interval``, as in ``100-20``: a hundred chunks, 20 ms
apart. ``0-0`` is one JSON answer; with interval 0 a stream stays open and says no more.
"""

from __future__ import annotations

import asyncio
import re
import sys

import uvloop

ANSWER = b'{"id": "x", "model": "bench", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "%b"}}]}' % (b"All is well. " * 145)  # fmt: skip
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
BEGIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
EVENT = b'data: {"id": "x", "object": "chat.completion.chunk", "model": "bench", "choices": [{"index": 0, "delta": {"content": " and then"}}]}\n\n'
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
MODEL = re.compile(rb'"model": ?"(\d+)-(\d+)"')
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.held, self.gone = transport, b"", False

    def connection_lost(self, _):
        self.gone = True

    def data_received(self, data):
        self.held += data
        end = self.held.find(b"\r\n\r\n") + 4
        if end == 3 or len(self.held) < end + int(LENGTH.search(self.held)[1]):
            return
        chunks, interval_ms = map(int, MODEL.search(self.held, end).groups())
        self.held = b""
        if not chunks:
            self.transport.write(WHOLE)
            return
        self.transport.write(BEGIN)
        self.stream(chunks, interval_ms / 1000)

    def stream(self, left, interval_s):
        if self.gone:
            return
        if not left:
            self.transport.write(END)
            return
        self.transport.write(CHUNK)
        if interval_s:
            asyncio.get_running_loop().call_later(interval_s, self.stream, left - 1, interval_s)


async def main():
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
