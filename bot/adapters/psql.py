"""A session with PostgreSQL through `psql` in the database's own container.

Its versions always match the server's, its local socket needs no password, and nothing of the
database has to be reachable over a network.
"""

import json
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.adapters.raw_stream import STDERR, RawStream, text_tail
from bot.domain.errors import PortError

_COMMAND = ("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1")
# A server's own limits must not end a session that waits for a long dump, and what it answers must
# not depend on its settings: a restored copy of the database has others. A notice would stand
# in the place of the reason, where a session ends without a word.
_SETTINGS = """
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout';
SET lock_timeout = '5min';
SET client_min_messages = 'warning';
SET client_encoding = 'UTF8';
SET search_path = '';
SET quote_all_identifiers = off;
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
SET timezone = 'UTC';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
"""


class PsqlSession:
    """Statements in, their output out, one at a time."""

    def __init__(self, stream: RawStream) -> None:
        self._stream = stream
        self._frames = stream.frames()
        self._stderr = bytearray()

    async def run(self, sql: str) -> str:
        """Run statements; their output without its last newline.

        Raises PortError with PostgreSQL's own words when one fails; the session has ended then.
        """
        mark = secrets.token_hex(8)
        try:
            await self._stream.write(f"{sql}\n\\echo {mark}\n".encode())
        except OSError as error:
            raise self._gone() from error
        output = bytearray()
        ending = f"{mark}\n".encode()
        async for kind, data in self._frames:
            if kind == STDERR:
                self._stderr += data
                continue
            output += data
            if output.endswith(ending):
                return output[: -len(ending)].decode().strip("\n")
        raise self._gone()

    async def ask(self, sql: str) -> Any:
        """Run one question whose answer is JSON."""
        return json.loads(await self.run(sql))

    async def close(self) -> None:
        """Read no more; the stream is its owner's."""
        await self._frames.aclose()

    def _gone(self) -> PortError:
        words = text_tail(self._stderr) or "the session ended"
        return PortError(f"ask PostgreSQL: {words}", retryable=True)


@asynccontextmanager
async def psql_session(
    engine: EngineApi, container_id: str, environment: Mapping[str, str]
) -> AsyncGenerator[PsqlSession]:
    """A session that ends with the context; *environment* has PGUSER, PGDATABASE, PGAPPNAME."""
    async with engine.exec(container_id, _COMMAND, environment=environment, stdin=True) as stream:
        session = PsqlSession(stream)
        try:
            await session.run(_SETTINGS)
            yield session
        finally:
            await session.close()
