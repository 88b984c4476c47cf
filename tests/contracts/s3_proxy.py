"""A proxy before an S3 server that records what was sent and fails on demand."""

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """One request as it arrived; *operation* is what S3 calls it, in one word."""

    operation: str
    target: str
    headers: Message
    body: bytes


@dataclass
class Answer:
    """What the server behind answered, or would have.

    A body shorter than its Content-Length is sent, then nothing for *stall* seconds, then the
    connection is closed.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""
    stall: float = 0


class DroppedError(Exception):
    """Close the connection without an answer."""


_OPERATIONS = {
    "partNumber": {"PUT": "part"},
    "uploadId": {"POST": "complete", "DELETE": "abort", "GET": "parts"},
    "uploads": {"POST": "begin", "GET": "uploads"},
    "list-type": {"GET": "list"},
    "object-lock": {"GET": "lock"},
    "versioning": {"GET": "versioning"},
}
_OF_THE_CONNECTION = {"connection", "transfer-encoding", "date", "server"}

Forward = Callable[[], Answer]
Fault = Callable[[Request, Forward], Answer]


@dataclass
class Rule:
    """Let *fault* answer *times* requests of one kind, after *skip* of them."""

    operation: str
    fault: Fault
    times: int = 1
    skip: int = 0


@dataclass
class Proxy:
    """Everything that passed, and what is to go wrong."""

    endpoint: str = ""
    requests: list[Request] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    read_slowly: float = 0
    write_slowly: float = 0  # seconds before each byte of an answer
    cut_bodies_at: int | None = None  # a request's body is read so far, and the connection closed
    is_down: bool = False  # nothing is answered at all
    query: str = ""  # added to each listing

    def seen(self, operation: str) -> list[Request]:
        return [request for request in self.requests if request.operation == operation]

    def fail(self, operation: str, fault: Fault, *, times: int = 1, skip: int = 0) -> None:
        self.rules.append(Rule(operation, fault, times, skip))

    def fault_for(self, operation: str) -> Fault | None:
        for rule in self.rules:
            if rule.operation == operation and rule.skip:
                rule.skip -= 1
            elif rule.operation == operation and rule.times:
                rule.times -= 1
                return rule.fault
        return None


def error(status: int, code: str, *, extra: str = "", **headers: str) -> Fault:
    """Answer as S3 does: a status, and a body that names the error."""
    body = f"<Error><Code>{code}</Code><Message>hunter2</Message>{extra}</Error>".encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, _: Answer(status, named, b"" if request.operation == "head" else body)


def dropped(_: Request, __: Forward) -> Answer:
    """Close the connection instead of doing anything."""
    raise DroppedError


def late(seconds: float) -> Fault:
    """Do it, and answer much too late."""

    def answer(_: Request, forward: Forward) -> Answer:
        time.sleep(seconds)
        return forward()

    return answer


def stalled(seconds: float, after: int = 1000) -> Fault:
    """Answer as the server does, but stop in the middle and say nothing more."""

    def answer(_: Request, forward: Forward) -> Answer:
        whole = forward()
        headers = {**whole.headers, "Content-Length": str(len(whole.body))}
        return Answer(whole.status, headers, whole.body[:after], stall=seconds)

    return answer


def answer_lost(_: Request, forward: Forward) -> Answer:
    """Do it, but never tell."""
    forward()
    raise DroppedError


def without_effect(headers: dict[str, str], body: bytes = b"", status: int = 200) -> Fault:
    """Answer with what the test says."""
    return lambda _, __: Answer(status, headers, body)


@contextmanager
def proxy_before(
    endpoint: str, tls: ssl.SSLContext | None = None, *, address: str = "127.0.0.1"
) -> Iterator[Proxy]:
    """Run a proxy before the server at *endpoint*, over TLS if it is given a certificate."""
    proxy = Proxy()
    server = _Server(proxy, urlsplit(endpoint).netloc, address)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    proxy.endpoint = f"{'https' if tls else 'http'}://{address}:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def __init__(self, proxy: Proxy, behind: str, address: str) -> None:
        super().__init__((address, 0), _Handler)
        self.proxy = proxy
        self.behind = behind


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (DroppedError, ConnectionError, TimeoutError):
            self.close_connection = True

    def serve(self) -> None:
        proxy = self.server.proxy
        if proxy.is_down:
            raise DroppedError
        request = Request(self._operation(), self.path, self.headers, self._body())
        proxy.requests.append(request)
        fault = proxy.fault_for(request.operation)
        self._reply(
            fault(request, lambda: self._forward(request)) if fault else self._forward(request)
        )

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve  # noqa: N815 - the library's names

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length", 0))
        blocks: list[bytes] = []
        while length:
            time.sleep(self.server.proxy.read_slowly)
            cut = self.server.proxy.cut_bodies_at
            if cut is not None and sum(map(len, blocks)) >= cut:
                raise DroppedError
            block = self.rfile.read(min(length, 65536))
            if not block:
                raise DroppedError
            blocks.append(block)
            length -= len(block)
        return b"".join(blocks)

    def _operation(self) -> str:
        names = parse_qs(urlsplit(self.path).query, keep_blank_values=True).keys()
        for name, operations in _OPERATIONS.items():
            if name in names:
                return operations[self.command]
        return self.command.lower()

    def _forward(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(self.server.behind, timeout=30)
        query = self.server.proxy.query if request.operation == "list" else ""
        headers = {name: value for name, value in self.headers.items() if name != "Expect"}
        connection.request(self.command, request.target + query, request.body, headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        kept = [item for item in answer.getheaders() if item[0].lower() not in _OF_THE_CONNECTION]
        return Answer(answer.status, dict(kept), body)

    def _reply(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._write(answer.body)
            if len(answer.body) < int(headers["Content-Length"]):
                self.wfile.flush()
                time.sleep(answer.stall)
                raise DroppedError

    def _write(self, body: bytes) -> None:
        pause = self.server.proxy.write_slowly
        if not pause:
            self.wfile.write(body)
            return
        for byte in body:
            time.sleep(pause)
            self.wfile.write(bytes([byte]))

    def log_message(self, *_: object) -> None:
        """Say nothing."""
