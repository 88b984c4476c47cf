"""The stack's lock inside its PostgreSQL: held where the data is, so that it holds for all hosts.

An advisory lock of a session in the maintenance database, whose application_name says what runs,
since when, and under which state folder. The session lives as long as its holder: the Engine closes
its stdin when the holder dies, and `psql` ends.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from bot.adapters.psql import PsqlSession
from bot.adapters.threads import stop
from bot.domain.backup_id import created_at, parse_backup_id
from bot.domain.errors import BotError, BusyError

Connect = Callable[[str], AbstractAsyncContextManager[PsqlSession]]

_KEY = 0x616B626F74  # "akbot"
_TAKE = f"SELECT to_json(pg_try_advisory_lock({_KEY}));"
# A key of 64 bits stands there as two halves.
_HOLDER = f"""
SELECT coalesce((SELECT json_build_object('pid', pid, 'name', application_name)
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND datname = current_database()
  AND classid = {_KEY >> 32} AND objid = {_KEY & 0xFFFFFFFF}), 'null');
"""  # noqa: S608 - numbers of our own
_NAME = re.compile(r"akbot-lock (?P<state>[a-z0-9]+) (?P<kind>[a-z]+) ?(?P<job>\S*)")
_BEAT = 2.0
_AGAIN = 2.0
_TAKEN_WITHIN = 5.0

logger = logging.getLogger(__name__)


@asynccontextmanager
async def database_lock(connect: Connect, job: str, state_id: str) -> AsyncGenerator[None]:
    """Hold the lock while the context lives, if PostgreSQL answers; else as soon as it does.

    *connect* opens a session in the maintenance database under the name that it is given; *job* is
    what runs: its kind and, where there is one, its id.
    A session that was left under *state_id* is ended: the caller holds that folder's own lock, so
    its process is gone. Raises BusyError when another state folder's process holds it.
    """
    name = f"akbot-lock {state_id} {job}"
    first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    keeping = asyncio.create_task(_keep(connect, name, state_id, first))
    try:
        await asyncio.wait({first, keeping}, return_when=asyncio.FIRST_COMPLETED)
        await (first if first.done() else keeping)
        yield
    finally:
        await stop(keeping)


async def _keep(connect: Connect, name: str, state_id: str, first: asyncio.Future[None]) -> None:
    """Take the lock, and take it again whenever its session ended, until cancelled."""
    while True:
        try:
            async with connect(name) as session:
                await _take(session, state_id)
                if not first.done():
                    first.set_result(None)
                await _until_it_ends(session)
        except BusyError as error:
            if not first.done():
                first.set_exception(error)
                return
            logger.warning("the lock was lost while PostgreSQL was away: %s", error)
        except TimeoutError:
            logger.warning("PostgreSQL is slow: its lock is not taken yet, only the folder's is")
        except BotError as error:
            logger.debug("the lock waits for PostgreSQL: %s", error)
        if not first.done():
            first.set_result(None)
        await asyncio.sleep(_AGAIN)


async def _until_it_ends(session: PsqlSession) -> None:
    """Ask, over and over: `psql` itself does not notice that the server has hung up."""
    while True:
        await asyncio.sleep(_BEAT)
        await session.run("SELECT;")


async def _take(session: PsqlSession, state_id: str) -> None:
    async with asyncio.timeout(_TAKEN_WITHIN):
        while not await session.ask(_TAKE):
            holder = await session.ask(_HOLDER)
            if holder is None:
                continue  # it ended in this moment
            found = _NAME.fullmatch(holder["name"])
            if found is None or found["state"] != state_id:
                raise BusyError(f"busy: {_describe(found)}", hint=_HINT)
            await session.run(f"SELECT pg_terminate_backend({int(holder['pid'])});")
            await asyncio.sleep(0.1)


_HINT = "Wait until it is done; its own akbot shows how far it is."


def _describe(found: "re.Match[str] | None") -> str:
    if found is None:
        return "another program holds akbot's lock in PostgreSQL"
    since = ""
    with suppress(ValueError):
        since = f" since {created_at(parse_backup_id(found['job'])):%H:%M} UTC"
    return f"{found['kind']}{since}, by an akbot with another state folder"
