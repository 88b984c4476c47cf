"""What the daemon says of itself, asked over HTTP as Docker's health check does."""

import asyncio
import json
from http.client import HTTPConnection, HTTPException

from bot.domain.daemon_report import DaemonReport, parse_report

_WITHIN = 5.0
_MOST = 1 << 20


class DaemonHealth:
    """Port `DaemonStatus`; *listen* is ADDRESS:PORT, as the daemon has it."""

    def __init__(self, listen: str) -> None:
        self._listen = listen

    async def report(self) -> DaemonReport | None:
        return parse_report(await asyncio.to_thread(self._ask))

    def _ask(self) -> object:
        connection = HTTPConnection(self._listen, timeout=_WITHIN)
        try:
            connection.request("GET", "/healthz")
            return json.loads(connection.getresponse().read(_MOST))
        except (OSError, HTTPException, ValueError):
            return None
        finally:
            connection.close()
