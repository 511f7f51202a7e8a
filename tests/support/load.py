"""Bounded load for tests: a request at a time on raw sockets, so that every byte and moment is seen."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Answer:
    """One answer: ``body`` after transfer decoding; times in seconds from sending; ``error`` when it failed."""

    status: int = 0
    headers: tuple = ()
    body: bytes = b""
    first_s: float = 0.0
    done_s: float = 0.0
    error: str = ""

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name), None)


def chat(text="Hello there", *, stream=False, model="scripted", messages=None, **more):
    return "/v1/chat/completions", {
        "model": model,
        "messages": messages or [{"role": "user", "content": text}],
        "stream": stream,
        **more,
    }


def messages(text="Hello there", *, stream=False, model="scripted", **more):
    body = {
        "model": model,
        "max_tokens": 200,
        "messages": [{"role": "user", "content": text}],
        "stream": stream,
        **more,
    }
    return "/v1/messages", body


async def ask(url, path, body, headers=(), *, limit_s=60.0):
    """Asks once, on a connection of its own."""
    where = urlsplit(url)
    answer = Answer()
    started = time.perf_counter()
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers) + "Connection: close\r\n\r\n"
    writer = None
    try:
        async with asyncio.timeout(limit_s):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(head.encode() + data)
            raw = await reader.readuntil(b"\r\n\r\n")
            lines = raw.decode("latin-1").split("\r\n")
            answer.status = int(lines[0].split(" ")[1])
            answer.headers = tuple(tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if line)
            if answer.header("transfer-encoding") == "chunked":
                while size := int(await reader.readuntil(b"\r\n"), 16):
                    answer.body += (await reader.readexactly(size + 2))[:-2]
                    answer.first_s = answer.first_s or time.perf_counter() - started
                await reader.readexactly(2)
            else:
                answer.body = await reader.readexactly(int(answer.header("content-length") or 0))
                answer.first_s = time.perf_counter() - started
    except (OSError, EOFError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
        answer.error = type(error).__name__
    finally:
        if writer is not None:
            writer.close()
    answer.done_s = time.perf_counter() - started
    return answer


async def at_rate(per_s, jobs):
    """Starts the coroutines ``jobs`` (callables) at a steady rate; their results in order."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    running = []
    try:
        for number, job in enumerate(jobs):
            await asyncio.sleep(started + number / per_s - loop.time())
            running.append(loop.create_task(job()))
    finally:  # cancelled: no more are started, and those under way are finished
        results = await asyncio.gather(*running)
    return results
