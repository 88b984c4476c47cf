"""People at the sandbox's front door: one who is logged in, and one who asks every 100 ms."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.fixture import Sandbox

EXECUTOR = "/api/v3/flows/executor/default-authentication-flow/?query="
LOGIN = "/if/flow/default-authentication-flow/"
ME = "/api/v3/core/users/me/"
_PORT = 9001
_EVERY = 0.1


@dataclass
class Visitor:
    """A browser with one cookie, of the administrator that the stack was made with by default."""

    name: str = "akadmin"
    cookie: str = ""

    def ask(self, path: str, body: dict[str, str] | None = None) -> tuple[int, Any]:
        """Status and JSON of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=20)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, sent, self._headers)
            response = connection.getresponse()
            cookie = response.getheader("Set-Cookie") or self.cookie
            self.cookie = cookie.split(";")[0]
            text = response.read()
            return response.status, json.loads(text) if text.startswith(b"{") else {}
        finally:
            connection.close()

    @property
    def _headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie}

    def log_in(self, sandbox: Sandbox) -> None:
        """With the administrator's password, which others that a test made have as well."""
        self.ask(EXECUTOR)
        self.ask(EXECUTOR, {"uid_field": self.name})
        self.ask(EXECUTOR)
        status, last = self.ask(EXECUTOR, {"password": bootstrap_password(sandbox)})
        assert (status, last["component"]) == (200, "xak-flow-redirect")

    def is_logged_in(self) -> bool:
        """Whether the server knows who it is."""
        status, me = self.ask(ME)
        return status == 200 and me["user"]["username"] == self.name


def bootstrap_password(sandbox: Sandbox) -> str:
    lines = (sandbox.project / ".env").read_text().splitlines()
    [password] = [
        line.partition("=")[2] for line in lines if line.startswith("AUTHENTIK_BOOTSTRAP_PASSWORD=")
    ]
    return password


@dataclass
class Prober:
    """What somebody saw who asked for the login page every 100 ms: (seconds, status or 0)."""

    seen: list[tuple[float, int]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def _run(self) -> None:
        began = time.monotonic()
        while not self._over.wait(_EVERY):
            self.seen.append((time.monotonic() - began, _status()))

    @property
    def failures(self) -> int:
        return sum(status != 200 for _, status in self.seen)

    @property
    def never_failed(self) -> bool:
        """Whether it asked at all, and got the page each time."""
        return bool(self.seen) and not self.failures

    @property
    def away(self) -> float:
        """Seconds from the first answer that was missing to the last."""
        times = [at for at, status in self.seen if status != 200]
        return times[-1] - times[0] if times else 0.0


def _status() -> int:
    connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=5)
    try:
        connection.request("GET", LOGIN)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


@contextmanager
def probing() -> Iterator[Prober]:
    """Ask as long as the context lasts."""
    prober = Prober()
    thread = threading.Thread(target=prober._run)
    thread.start()
    try:
        yield prober
    finally:
        prober._over.set()
        thread.join()
