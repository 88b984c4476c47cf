"""One port on several addresses that can vanish and come back, as a service does when it is down.

The port stays bound to sockets that never listen. So connections are refused while nobody serves,
and nobody else takes the port meanwhile: neither a server nor the kernel for a connection of the
bot, which could then connect to itself.
"""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Generic, TypeVar

ATTEMPTS = 20
POLL = 0.005

Owner = TypeVar("Owner")


class Server(ThreadingHTTPServer, Generic[Owner]):
    """An HTTP server that knows its *owner*, and can cut its connections."""

    request_queue_size = 64
    daemon_threads = True  # a held request must not keep a test run from ending

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], owner: Owner
    ) -> None:
        super().__init__(address, handler)
        self.owner = owner
        self._connections: set[socket.socket] = set()
        self._counting = threading.Lock()
        self._accepting = 0
        self._at_work = 0
        self._serving = threading.Thread(target=self.serve_forever, args=[POLL], daemon=True)
        self._serving.start()

    def server_bind(self) -> None:
        """Bind without looking up the host's name, which takes seconds where no DNS answers."""
        TCPServer.server_bind(self)

    def get_request(self) -> tuple[socket.socket, object]:
        """Take the next connection, which counts as work before it counts as one of ours."""
        self._accepting += 1
        try:
            return super().get_request()
        except OSError:
            self._accepting -= 1
            raise

    def process_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._connections.add(request)
        self._accepting -= 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: object) -> None:
        assert isinstance(request, socket.socket)
        self._connections.discard(request)
        super().shutdown_request(request)

    @contextmanager
    def working(self) -> Iterator[None]:
        """A request is answered in this block, whose first byte has not been read yet."""
        with self._counting:
            self._at_work += 1
        try:
            yield
        finally:
            with self._counting:
                self._at_work -= 1

    def requests(self) -> int:
        """How many are not answered yet; one more where any is on its way."""
        if self._accepting or any(map(is_readable, [self.socket, *self._connections.copy()])):
            return self._at_work + 1
        return self._at_work

    def stop(self) -> None:
        """Stop listening, and cut what is connected."""
        self.shutdown()
        self._serving.join()
        self.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):  # it ended by itself
                connection.shutdown(socket.SHUT_RDWR)


class Listeners(Generic[Owner]):
    """The servers of one *owner*, all under the same port."""

    def __init__(
        self, addresses: tuple[str, ...], handler: type[BaseHTTPRequestHandler], owner: Owner
    ) -> None:
        self._addresses = addresses
        self._handler = handler
        self._owner = owner
        self._reserved = _reserve(addresses)
        self.port: int = self._reserved[0].getsockname()[1]
        self._servers: list[Server[Owner]] = []

    def open(self) -> None:
        if not self._servers:
            self._servers = [
                Server((address, self.port), self._handler, self._owner)
                for address in self._addresses
            ]

    def close(self) -> None:
        for server in self._servers:
            server.stop()
        self._servers = []

    def requests(self) -> int:
        return sum(server.requests() for server in self._servers)

    def give_up_port(self) -> None:
        _close(self._reserved)


def is_readable(connection: socket.socket, *, within: float | None = 0) -> bool:
    """Whether something, if only its end, has come and was not read; None waits for it."""
    if connection.fileno() < 0:
        return False
    poll = select.poll()  # unlike select it takes any number of a file
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(within))


def _reserve(addresses: tuple[str, ...]) -> list[socket.socket]:
    """Bind a port that is free on all *addresses*."""
    for _ in range(ATTEMPTS):
        reserved: list[socket.socket] = []
        try:
            for address in addresses:
                port = reserved[0].getsockname()[1] if reserved else 0
                reserved.append(_bound(address, port))
        except OSError:
            _close(reserved)
            continue
        return reserved
    raise OSError(f"no port is free on all of {addresses}")


def _bound(address: str, port: int) -> socket.socket:
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound


def _close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()
