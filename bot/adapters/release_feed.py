"""Authentik's feed of releases, one small JSON file over HTTPS."""

import asyncio
from dataclasses import dataclass, field

from bot.adapters.http_client import HttpClient
from bot.domain.errors import PortError
from bot.domain.release_feed import NewestRelease, parse_feed

_MOST = 64 * 1024


@dataclass(frozen=True)
class HttpReleaseFeed:
    """Port `ReleaseFeed`; *url* is "" for none."""

    url: str
    client: HttpClient = field(default_factory=HttpClient)

    async def newest(self) -> NewestRelease | None:
        return await asyncio.to_thread(self._ask) if self.url else None

    def _ask(self) -> NewestRelease:
        answer = self.client.ask("GET", self.url, {}, most=_MOST)
        if answer.status != 200:  # noqa: PLR2004
            raise PortError(f"ask for Authentik's releases: {self.url} answered {answer.status}")
        return parse_feed(answer.body)
