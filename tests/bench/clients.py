"""The benchmark's clients: ``clients.py PORT CLIENTS CHUNKS INTERVAL_MS SECONDS TEST``.

Each asks, takes the whole answer and asks again. Writes ``begin`` when all are warm, ``end`` after
SECONDS, then what was measured between the two as a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time

import uvloop

# Whoever collects tests imports this file and gives it no arguments.
ARGUMENTS = sys.argv[1:] if __name__ == "__main__" else ["0", "1", "0", "0", "0", "none"]
PORT, CLIENTS, CHUNKS, INTERVAL_MS = map(int, ARGUMENTS[:4])
SECONDS, TEST = float(ARGUMENTS[4]), ARGUMENTS[5]
WARM_S = 1.0
ANSWER_ENDS = b"0\r\n\r\n"


def request():
    prompt = "Could you summarise the following paragraph in one line, please? " * 15
    asked = {
        "model": f"{CHUNKS}-{INTERVAL_MS}",
        "stream": bool(CHUNKS),
        "messages": [{"role": "user", "content": prompt}],
    }
    body = json.dumps(asked).encode()
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: model\r\nUser-Agent: bench\r\nAccept: */*\r\n"
        b"Authorization: Bearer bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    ) % (len(body), body)


class Client(asyncio.Protocol):
    request = request()
    measuring = False
    units = errors = 0
    latencies: list[float] = []  # noqa: RUF012 - one for all

    def connection_made(self, transport):
        self.transport = transport
        self.ask()

    def ask(self):
        self.asked_s, self.got, self.wanted, self.first = time.perf_counter(), b"", 0, True
        self.transport.write(self.request)

    def data_received(self, data):
        if CHUNKS:
            self.stream(data)
        else:
            self.whole(data)

    def stream(self, data):
        if Client.measuring:
            Client.units += data.count(b"data: {")
        if self.first and b"data: {" in data:
            self.first = False
            self.took()
        if data.endswith(ANSWER_ENDS):
            self.ask()

    def whole(self, data):
        self.got += data
        if not self.wanted:
            head, found, _ = self.got.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 200"):
                Client.errors += 1
            if b"content-length: " not in head.lower():
                self.wanted = -1
            else:
                self.wanted = len(head) + 4 + int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if len(self.got) >= self.wanted > 0 or (self.wanted < 0 and self.got.endswith(ANSWER_ENDS)):
            if Client.measuring:
                Client.units += 1
            self.took()
            self.ask()

    def took(self):
        if Client.measuring:
            Client.latencies.append(time.perf_counter() - self.asked_s)

    def connection_lost(self, _):
        if not stopping:
            Client.errors += 1


stopping = False


async def main():
    global stopping  # noqa: PLW0603 - a script
    loop = asyncio.get_running_loop()
    pause_s = max(CHUNKS * INTERVAL_MS / 1000, 0.5) / CLIENTS
    for _ in range(CLIENTS):
        await loop.create_connection(Client, "127.0.0.1", PORT)
        await asyncio.sleep(pause_s)  # streams begin one after the other, as in life
    await asyncio.sleep(WARM_S)
    print("begin", flush=True)
    Client.measuring = True
    began_s = time.perf_counter()
    await asyncio.sleep(SECONDS)
    Client.measuring = False
    seconds = time.perf_counter() - began_s
    print("end", flush=True)
    stopping = True
    in_order = sorted(Client.latencies) or [0.0]
    print(
        json.dumps(
            {
                "units": Client.units,
                "errors": Client.errors,
                "seconds": seconds,
                "p50_ms": 1e3 * statistics.median(in_order),
                "p99_ms": 1e3 * in_order[int(0.99 * (len(in_order) - 1))],
            }
        )
    )


if __name__ == "__main__":
    uvloop.run(main())
