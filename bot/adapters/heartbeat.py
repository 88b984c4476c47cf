"""The URLs of the dead man's switch, asked by POST."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.adapters.http_client import HttpClient
from bot.domain.errors import PortError
from bot.domain.heartbeat import Beat
from bot.domain.jobs import JobKind

_MOST = 64 * 1024
_TAKEN = range(200, 300)
_ELSEWHERE = range(300, 400)


@dataclass(frozen=True)
class HttpHeartbeat:
    """*urls*, by the kind of job; whoever knows one can keep the switch quiet."""

    urls: Mapping[JobKind, str] = field(repr=False)
    client: HttpClient = field(default_factory=HttpClient)

    async def send(self, kind: JobKind, beat: Beat) -> None:
        """Raises PortError where it was not taken; the message has no URL."""
        await asyncio.to_thread(self._send, self.urls[kind], beat)

    def _send(self, url: str, beat: Beat) -> None:
        path, mark, query = url.partition("?")
        target = f"{path.rstrip('/')}{beat.suffix}{mark}{query}"
        answer = self.client.ask("POST", target, {}, most=_MOST, body=beat.body)
        if answer.status in _ELSEWHERE:
            raise PortError(
                f"the server answered {answer.status}: it moved, and a redirect is not followed;"
                " set the URL that it has now",
                retryable=True,
            )
        if answer.status not in _TAKEN:
            raise PortError(f"the server answered {answer.status}", retryable=True)
