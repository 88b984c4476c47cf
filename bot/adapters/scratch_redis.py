"""A throw-away Redis of the stack's own image, on a snapshot of the live one."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from bot.adapters.engine_api import EngineApi, Finished
from bot.adapters.host_trouble import KILLED, NO_ROOM
from bot.adapters.throwaway import Server, throw_away_server
from bot.adapters.throwaway_start import until_up
from bot.domain.errors import IntegrityError, PortError

ALIAS = "redis"
_MEMORY = 1024 * 1024 * 1024
_FIRST_WORDS = 500
_PORT = "6379"
_NO_PORT = "0"
_RDB = "/data/dump.rdb"
_SOCKET = "/tmp/redis.sock"  # noqa: S108 - inside the container
_REDIS = (
    *("redis-server", "--daemonize", "yes", "--unixsocket", _SOCKET, "--protected-mode", "no"),
    *("--dir", "/data", "--dbfilename", "dump.rdb", "--save", "", "--port"),
)
NOT_STORED = "is not stored"
_TOO_NEW = "Can't handle RDB format"
_REDIS_CLI = ("redis-cli", "-s", _SOCKET)
# Celery's lists, by their names up to 2025.6, in one step: what is queued must not be done again.
_QUEUES = ("celery*", "authentik*", "unacked*")
_DELETE = """
for _, pattern in ipairs(ARGV) do
  local cursor = '0'
  repeat
    local found = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1000)
    cursor = found[1]
    for _, key in ipairs(found[2]) do redis.call('DEL', key) end
  until cursor == '0'
end
return 'emptied'
"""


@asynccontextmanager
async def scratch_redis(
    engine: EngineApi, image_id: str, rdb: AsyncIterator[bytes], job_id: str, network: str = ""
) -> AsyncGenerator[str]:
    """A Redis of *image_id* that has loaded *rdb*; its name. It listens only in a *network*.

    Raises IntegrityError where it does not start on it, PortError where that is the host's fault.
    """
    server = Server(
        image_id=image_id,
        user="redis",
        command=("sleep", "infinity"),
        environment={},
        scratch=("/tmp", "/run"),  # noqa: S108 - inside the container
        memory=_MEMORY,
        network=network,
        alias=ALIAS,
    )
    async with throw_away_server(engine, server, job_id) as name:
        _require(await engine.feed(name, ["sh", "-c", f"cat >{_RDB}"], rdb), NOT_STORED)
        _require(await engine.run(name, ["redis-check-rdb", _RDB]), "is damaged")
        started = await engine.run(name, [*_REDIS, _PORT if network else _NO_PORT])
        _require(started, "cannot be loaded")
        await until_up(engine, name, [*_REDIS_CLI, "PING"])
        yield name


async def load_rdb(engine: EngineApi, image_id: str, rdb: AsyncIterator[bytes], job_id: str) -> int:
    """Start a Redis of *image_id* on the file *rdb*; the number of keys that it has then.

    Raises IntegrityError where it does not start on it.
    """
    async with scratch_redis(engine, image_id, rdb, job_id) as name:
        return sum((await _keyspace(engine, name)).values())


async def empty_queue(engine: EngineApi, name: str) -> None:
    """Drop every task that waits in the Redis *name*. Raises PortError where that fails."""
    for database in await _keyspace(engine, name):
        done = await engine.run(name, [*_REDIS_CLI, "-n", database, "EVAL", _DELETE, "0", *_QUEUES])
        if done.stdout.strip() != b"emptied":
            words = done.stderr or done.stdout.decode(errors="replace")
            raise PortError(f"empty the task queue of a copy: {words.strip()[-_FIRST_WORDS:]}")


async def _keyspace(engine: EngineApi, name: str) -> dict[str, int]:
    """How many keys each database has that has any, by its number."""
    answer = await engine.run(name, [*_REDIS_CLI, "INFO", "keyspace"])
    lines = answer.stdout.decode(errors="replace").splitlines()
    found = (line.partition(":") for line in lines if line.startswith("db"))
    return {name.removeprefix("db"): _keys(words) for name, _, words in found}


def _require(done: Finished, otherwise: str) -> None:
    if done.exit_code != 0:
        raise snapshot_error(done, otherwise)


def snapshot_error(done: Finished, otherwise: str) -> IntegrityError | PortError:
    """Why Redis did not take it: the snapshot, or a host or an image that cannot."""
    said = f"{done.stderr}\n{done.stdout.decode(errors='replace')}"
    words = f"{said.strip()[-_FIRST_WORDS:] or f'exit code {done.exit_code}'}"
    if done.exit_code == KILLED or NO_ROOM in said or otherwise == NOT_STORED:
        return PortError(
            f"load the snapshot of Redis: the host has no room for it: {words}",
            hint="It needs disk for the whole snapshot, and up to 1 GiB of memory.",
        )
    if _TOO_NEW in said:
        return PortError(
            f"load the snapshot of Redis: the stack's Redis is older than it: {words}",
            hint="Use the Redis that it was made with, or a newer one.",
        )
    return IntegrityError(f"the snapshot of Redis {otherwise}: {words}")


def _keys(line: str) -> int:
    """Of what a line such as `db0:keys=12,expires=3` says."""
    return int(line.partition("keys=")[2].partition(",")[0])
