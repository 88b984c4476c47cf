"""A line to a server that can be cut, or that goes dead without a word."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Relay:
    """Passes bytes to *target* until *breaks_after* of them; then it is cut, or silent."""

    target: tuple[str, int]
    breaks_after: int | None = None
    silently: bool = False
    passed: int = 0
    port: int = 0
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_broken(self) -> bool:
        return self.breaks_after is not None and self.passed >= self.breaks_after

    def mend(self) -> None:
        self.breaks_after = None

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self.is_broken and not self.silently:
                client.close()
                continue
            server = socket.create_connection(self.target)
            with self._lock:
                self._open |= {client, server}
            for source, sink, counts in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self._pass, args=(source, sink), kwargs={"counts": counts}, daemon=True
                ).start()

    def _pass(self, source: socket.socket, sink: socket.socket, *, counts: bool) -> None:
        try:
            while data := source.recv(65536):
                if counts:
                    self.passed += len(data)
                if self.is_broken:
                    if self.silently:
                        threading.Event().wait(200)
                    break
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            each.close()

    def close(self) -> None:
        with self._lock:
            for each in self._open:
                each.close()


@contextmanager
def relay_to(host: str, port: int) -> Iterator[Relay]:
    """A relay on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay((host, port), port=listener.getsockname()[1])
        threading.Thread(target=relay.serve, args=(listener,), daemon=True).start()
        try:
            yield relay
        finally:
            relay.close()
