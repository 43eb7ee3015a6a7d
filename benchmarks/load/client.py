"""A lean HTTP client for load: what it costs itself must not pass for the server's time.

`steady` sends at a fixed rate whatever the answers do, and measures from the moment a request was due: a server that
falls behind cannot hide it. `flat_out` keeps as many connections busy as it is told to.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer", "Request", "Sample", "flat_out", "steady"]


@dataclass(frozen=True)
class Request:
    """What to send; `kind` names it in the results."""

    kind: str
    method: str
    path: str
    body: Any = None
    then: Callable[[Answer], None] | None = None


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Sample:
    """One request: seconds from the moment it was due until its answer was there, seconds of waiting for its turn."""

    kind: str
    latency_s: float
    late_s: float
    status: int
    source: str = ""


@dataclass
class _Line:
    """One connection, kept alive."""

    host: str
    port: int
    head: bytes
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def send(self, request: Request) -> Answer:
        if self.writer is None or self.writer.is_closing():
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        assert self.reader is not None
        body = b"" if request.body is None else json.dumps(request.body).encode()
        kind = b"Content-Type: application/json\r\n" if body else b""
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        self.writer.write(f"{request.method} {request.path} HTTP/1.1\r\n".encode() + self.head + kind + length + body)
        status_line, *headers = (await self.reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        fields = dict(line.split(b": ", 1) for line in headers)
        lowered = {name.lower(): value for name, value in fields.items()}
        if b"content-length" in lowered:
            content = await self.reader.readexactly(int(lowered[b"content-length"]))
        else:
            content = await self._chunks()
        return Answer(int(status_line.split(b" ")[1]), content)

    async def _chunks(self) -> bytes:
        assert self.reader is not None
        content = b""
        while size := int((await self.reader.readuntil(b"\r\n"))[:-2], 16):
            content += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return content

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


def _line(host: str, port: int, token: str) -> _Line:
    key = base64.b64encode(f"{token}:".encode()).decode()
    return _Line(host, port, f"Host: {host}:{port}\r\nAuthorization: Basic {key}\r\n".encode())


@dataclass
class _Load:
    lines: asyncio.Queue[_Line]
    samples: list[Sample] = field(default_factory=list)

    async def one(self, request: Request, due: float) -> None:
        line = await self.lines.get()
        started = time.perf_counter()
        try:
            answer = await line.send(request)
        except (OSError, asyncio.IncompleteReadError):
            line.close()
            line.writer = None
            answer = Answer(0, b"")
        finally:
            self.lines.put_nowait(line)
        now = time.perf_counter()
        source = answer.json().get("source", "") if request.kind == "suggestion" and answer.status == 200 else ""
        self.samples.append(Sample(request.kind, now - due, started - due, answer.status, source))
        if request.then is not None and answer.status == 200:
            request.then(answer)


async def _steady(requests: Iterator[Request], lines: list[_Line], rate: float, seconds: float) -> list[Sample]:
    load = _Load(asyncio.Queue())
    for line in lines:
        load.lines.put_nowait(line)
    begin, tasks = time.perf_counter(), set()
    for number in range(int(rate * seconds)):
        due = begin + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(load.one(next(requests), due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if tasks:
        await asyncio.wait(tasks, timeout=60)
    for line in lines:
        line.close()
    return load.samples


def steady(
    requests: Iterator[Request], host: str, port: int, token: str, *, rate: float, seconds: float, width: int = 64
) -> list[Sample]:
    """Send `rate` requests a second for `seconds`, over at most `width` connections; return what came of each."""
    return asyncio.run(_steady(requests, [_line(host, port, token) for _ in range(width)], rate, seconds))


async def _flat_out(requests: Iterator[Request], lines: list[_Line], seconds: float) -> tuple[int, float]:
    end = time.perf_counter() + seconds
    counts = [0] * len(lines)

    async def busy(index: int) -> None:
        while time.perf_counter() < end:
            answer = await lines[index].send(next(requests))
            if answer.status != 200:
                raise RuntimeError(f"answered {answer.status}: {answer.body[:200]!r}")
            counts[index] += 1
        lines[index].close()

    begin = time.perf_counter()
    await asyncio.gather(*(busy(index) for index in range(len(lines))))
    return sum(counts), time.perf_counter() - begin


def flat_out(
    requests: Iterator[Request], host: str, port: int, token: str, *, seconds: float, width: int = 16
) -> float:
    """Return how many requests a second are answered while `width` connections ask without pause."""
    count, took = asyncio.run(_flat_out(requests, [_line(host, port, token) for _ in range(width)], seconds))
    return count / took
