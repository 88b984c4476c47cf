"""A Docker socket that can be taken away, and come back."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SocketProxy:
    """Passes connections at *path* on to the Engine's socket, until it vanishes."""

    def __init__(self, path: Path, engine: str) -> None:
        self._path = path
        self._engine = engine
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._path}"

    def appear(self) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._path))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._serve, args=[listener], daemon=True).start()

    def vanish(self) -> None:
        """Close everything, as a daemon does that dies."""
        if self._listener is None:
            return
        self._path.unlink()
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._listener = None

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(self._engine)
            except OSError:
                return
            self._open |= {client, engine}
            for pair in ((client, engine), (engine, client)):
                threading.Thread(target=_copy, args=pair, daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(1 << 16):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def socket_proxy(folder: Path) -> Iterator[SocketProxy]:
    """A proxy of the Engine that the tests use."""
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    proxy = SocketProxy(folder / "docker.sock", engine)
    proxy.appear()
    try:
        yield proxy
    finally:
        proxy.vanish()
