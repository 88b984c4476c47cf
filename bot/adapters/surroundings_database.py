"""PostgreSQL's sessions and the worker's heartbeat, in one session of akbot's own."""

from datetime import timedelta

from bot.adapters import surroundings_sql
from bot.adapters.database_client import Clients
from bot.adapters.engine_api import EngineApi
from bot.adapters.gate_sql import QUICKLY
from bot.adapters.postgres import Login
from bot.adapters.psql import psql_session
from bot.domain.errors import PortError
from bot.domain.surroundings import Connections, Database, Heartbeat

_FULL = ("too many clients already", "remaining connection slots are reserved")


async def look_at_database(
    api: EngineApi, clients: Clients, login: Login, name: str, worker: tuple[str, str] | None
) -> Database:
    """*name* is what the database is called, *worker* its service and when it was started.

    That is None where none runs.

    A server that takes no more sessions, not even this one, is an answer. Raises PortError for any
    other that refuses it.
    """
    environment = {
        "PGUSER": login.user,
        "PGDATABASE": login.database,
        "PGAPPNAME": "akbot-watch",
        "PGCONNECT_TIMEOUT": "10",
    }
    try:
        async with (
            clients() as client,
            psql_session(api, client.id, environment) as session,
        ):
            await session.run(QUICKLY)
            said = await session.ask(surroundings_sql.CONNECTIONS)
            connections = Connections(name, said["used"], said["most"])
            if worker is None:
                return Database(connections)
            service, started = worker
            seconds = await session.ask(surroundings_sql.silence_since(started))
    except PortError as error:
        if any(words in str(error) for words in _FULL):
            return Database(Connections(name, 0, 0))
        raise
    silence = None if seconds is None else timedelta(seconds=seconds)
    return Database(connections, Heartbeat(service, silence))
