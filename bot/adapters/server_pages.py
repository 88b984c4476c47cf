"""Authentik's pages as the stack's own network has them, without the proxy in front of it."""

import asyncio
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bot.adapters.container_facts import address_of, environment_of

_PORT = 9000
_ANSWER_WITHIN = 5.0
_MOST = 1024 * 1024


@dataclass(frozen=True)
class Reply:
    """*headers* in the order in which they came, their names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Pages(Protocol):
    """A server that can be asked."""

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Reply | None:
        """Ask for *path*, which has no slash in front: it lies below Authentik's own root.

        No redirect is followed. None where nobody answers in time.
        """


@dataclass(frozen=True)
class ServerPages:
    """Port `Pages`, over TCP; *root* is the path below which Authentik answers, without slashes."""

    host: str
    port: int = _PORT
    root: str = ""

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Reply | None:
        target = f"/{self.root}/{path}" if self.root else f"/{path}"
        return await asyncio.to_thread(self._ask, method, target, headers or {}, body)

    def _ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Reply | None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_ANSWER_WITHIN)
        try:
            own = {"Host": "localhost", "User-Agent": "akbot"}
            connection.request(method, target, body=body or None, headers={**own, **headers})
            response = connection.getresponse()
            found = tuple((name.lower(), value) for name, value in response.getheaders())
            return Reply(response.status, found, response.read(_MOST))
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def pages_of(details: Mapping[str, Any]) -> ServerPages | None:
    """Where the server in a container answers; None where it has no address."""
    address = address_of(details)
    if not address:
        return None
    environment = environment_of(details)
    listen = environment.get("AUTHENTIK_LISTEN__HTTP", "").rpartition(":")[2]
    return ServerPages(
        address,
        int(listen) if listen.isdigit() else _PORT,
        environment.get("AUTHENTIK_WEB__PATH", "/").strip("/"),
    )
