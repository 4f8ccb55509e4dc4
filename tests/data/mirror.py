"""A mirror on this machine that misbehaves on request, for the tests of fetching."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Behaviour = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request; what is done about it is up to the mirror's behaviour."""

    server: Mirror

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        self.server.behaviour(self)

    @property
    def content(self) -> bytes:
        return self.server.files.get(self.path.rsplit("/", 1)[-1], b"")

    @property
    def start(self) -> int:
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))

    def answer(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests look at the requests themselves."""


class Mirror(ThreadingHTTPServer):
    """Serves `files` in the way of `behaviour`, and remembers paths and ranges asked for."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes], behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.files = files
        self.behaviour = behaviour
        self.requests: list[tuple[str, str | None]] = []
        self.stopped = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: clients that hang up are part of the tests."""


@contextmanager
def mirror(files: dict[str, bytes], behaviour: Behaviour) -> Iterator[Mirror]:
    server = Mirror(files, behaviour)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def good(request: Request) -> None:
    """As a mirror should be, with ranges."""
    rest = request.content[request.start :]
    if not request.content:
        request.answer(404, b"not here")
    elif request.start == 0:
        request.answer(200, rest)
    elif not rest:
        request.answer(416, b"")
    else:
        total = len(request.content)
        request.answer(206, rest, Content_Range=f"bytes {request.start}-{total - 1}/{total}")


def without_ranges(request: Request) -> None:
    request.answer(200, request.content)


def hangs_up(request: Request) -> None:
    """Sends half of what is left, then hangs up."""
    rest = request.content[request.start :]
    half = rest[: (len(rest) + 1) // 2]
    total = len(request.content)
    if request.start:
        span = f"bytes {request.start}-{total - 1}/{total}"
        request.answer(206, half, length=len(rest), Content_Range=span)
    else:
        request.answer(200, half, length=len(rest))


def hangs_up_without_ranges(request: Request) -> None:
    request.answer(200, request.content[: len(request.content) // 2], length=len(request.content))


def stalls(request: Request) -> None:
    """Sends half, then nothing, for as long as the test lasts."""
    request.answer(200, request.content[: len(request.content) // 2], length=len(request.content))
    request.server.stopped.wait(30)


def is_silent(request: Request) -> None:
    request.server.stopped.wait(30)


def trickles(request: Request) -> None:
    """A byte now and then, so that no single read waits long."""
    request.answer(200, b"", length=len(request.content))
    for byte in request.content:
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        if request.server.stopped.wait(0.02):
            return


def corrupts(request: Request) -> None:
    request.answer(200, request.content[:-1] + bytes([request.content[-1] ^ 1]))


def sends_wrong_range(request: Request) -> None:
    total = len(request.content)
    if request.start:
        request.answer(206, request.content, Content_Range=f"bytes 0-{total - 1}/{total}")
    else:
        request.answer(200, request.content)


def is_endless(request: Request) -> None:
    request.send_response(200)
    request.end_headers()
    while not request.server.stopped.is_set():
        request.wfile.write(bytes(2**16))


def fails(request: Request) -> None:
    request.answer(503, b"later")


def talks_nonsense(request: Request) -> None:
    request.wfile.write(b"\0\1\2 this is no HTTP\r\n\r\n")


def redirects_to(address: Callable[[Request], str]) -> Behaviour:
    return lambda request: request.answer(302, b"", Location=address(request))


def in_circles(request: Request) -> str:
    return f"{request.server.address}/{time.monotonic_ns()}"
